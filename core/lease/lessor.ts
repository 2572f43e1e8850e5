import type { Batch, View } from '../backend/backend.js';
import { assert } from '../base/assert.js';
import { fromMapKey, toMapKey } from '../base/bytes.js';
import { InvalidArgumentError, LeaseExistsError, LeaseNotFoundError, LeaseTtlTooLargeError } from '../base/errors.js';
import { type LeaseId, NO_LEASE } from '../base/key-value.js';
import { LIMITS } from '../base/limits.js';
import { type Due, ExpiryHeap } from './expiry-heap.js';
import { decodeLeaseId, decodeLeaseRecord, encodeLeaseId, encodeLeaseRecord } from './lease-record.js';

/** How long {@link Lessor.expire} keeps quiet about a lease that it has named, so that its revocation can be applied. */
export const REVOKE_RETRY_MS = 2_000;

/**
 * The leases: which exist and which keys live by them (replicated: the same on every member after the same entries), and
 * when they end (volatile: only the leader dates them, and a new leader dates them all anew).
 *
 * Guarantee: a lease never ends early. {@link Lessor.expire} names one only when its whole TTL has passed since it was
 * last dated or renewed. TTLs are minimums (etcd API, Lease service); what ends a lease is its revocation in the log.
 */
export class Lessor {
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #leaseOfKey = new Map<string, Lease>();
  /** Leases without a deadline: they get one when time is next told. */
  readonly #undated = new Set<Lease>();
  readonly #dated = new ExpiryHeap<Lease>();

  private constructor() {}

  /**
   * Restores the leases from the table 'lease'.
   *
   * @param leasedKeys - every live key that has a lease, with it
   * @throws {@link InvariantError} if a record cannot be read, or a key's lease does not exist
   */
  static open(backend: View, leasedKeys: Iterable<readonly [key: Uint8Array, lease: LeaseId]>): Lessor {
    const lessor = new Lessor();
    for (const [key, record] of backend.scan('lease')) {
      lessor.#add(decodeLeaseId(key), decodeLeaseRecord(record));
    }
    for (const [key, id] of leasedKeys) lessor.attach(key, id);
    return lessor;
  }

  // --- Replicated: changed by applied entries only ----------------------------------------------------------------

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  /**
   * Adds a lease, here and in the batch. Its time begins when the leader next tells the time.
   *
   * @throws {@link LeaseExistsError} if the id is taken
   * @throws {@link LeaseTtlTooLargeError}, {@link InvalidArgumentError} if the TTL or the id cannot be granted
   */
  grant(id: LeaseId, ttlSeconds: number, batch: Batch): void {
    if (id === NO_LEASE) throw new InvalidArgumentError('lease', id, 'another number than 0');
    if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
      throw new InvalidArgumentError('ttl', ttlSeconds, 'a whole number of seconds, 1 or more');
    }
    if (ttlSeconds > LIMITS.leaseTtlMaxSeconds) {
      throw new LeaseTtlTooLargeError(ttlSeconds, LIMITS.leaseTtlMaxSeconds);
    }
    if (this.#leases.has(id)) throw new LeaseExistsError(id);
    this.#add(id, ttlSeconds);
    batch.put('lease', encodeLeaseId(id), encodeLeaseRecord(ttlSeconds));
  }

  /**
   * Ends a lease, here and in the batch.
   *
   * @returns its keys in byte order; the caller deletes them in the same batch
   * @throws {@link LeaseNotFoundError} if it does not exist
   */
  revoke(id: LeaseId, batch: Batch): readonly Uint8Array[] {
    const lease = this.#find(id);
    const keys = sortedKeys(lease);
    for (const name of lease.keys) this.#leaseOfKey.delete(name);
    this.#leases.delete(id);
    this.#undated.delete(lease);
    this.#dated.delete(lease);
    batch.delete('lease', encodeLeaseId(id));
    return keys;
  }

  /** Lets a key live by a lease, and no longer by the one it had. The machine has checked that the lease exists. */
  attach(key: Uint8Array, id: LeaseId): void {
    const lease = this.#leases.get(id);
    assert(lease !== undefined, 'a key is attached to a lease that exists');
    const name = toMapKey(key);
    const former = this.#leaseOfKey.get(name);
    if (former === lease) return;
    former?.keys.delete(name);
    lease.keys.add(name);
    this.#leaseOfKey.set(name, lease);
  }

  /** Lets a key live by no lease. */
  detach(key: Uint8Array): void {
    if (this.#leaseOfKey.size === 0) return;
    const name = toMapKey(key);
    const lease = this.#leaseOfKey.get(name);
    if (lease === undefined) return;
    lease.keys.delete(name);
    this.#leaseOfKey.delete(name);
  }

  /**
   * The keys that live by a lease, in byte order.
   *
   * @throws {@link LeaseNotFoundError} if it does not exist
   */
  keys(id: LeaseId): readonly Uint8Array[] {
    return sortedKeys(this.#find(id));
  }

  /** Every lease: those that end first come first, those that are not dated yet come last. */
  ids(): readonly LeaseId[] {
    const leases = [...this.#leases.values()];
    leases.sort((a, b) => (a.deadlineMs === b.deadlineMs ? 0 : a.deadlineMs < b.deadlineMs ? -1 : 1));
    return leases.map((lease) => lease.id);
  }

  /**
   * The TTL that was granted.
   *
   * @throws {@link LeaseNotFoundError} if it does not exist
   */
  ttlSeconds(id: LeaseId): number {
    return this.#find(id).ttlSeconds;
  }

  // --- Volatile: the leader's alone. Times are monotonic milliseconds of its clock --------------------------------

  /**
   * Dates every lease that has no deadline yet, then names those whose deadline has come. The caller proposes their
   * revocation. One that was named can no longer be renewed, and is named again after {@link REVOKE_RETRY_MS} if it
   * still exists.
   *
   * @param max - at most so many
   */
  expire(nowMs: number, max: number): readonly LeaseId[] {
    for (const lease of this.#undated) this.#date(lease, nowMs);
    const expired: LeaseId[] = [];
    while (expired.length < max) {
      const lease = this.#dated.peek();
      if (lease === undefined || lease.dueMs > nowMs) break;
      assert(lease.deadlineMs <= nowMs, 'a lease ends only after its whole TTL');
      lease.ending = true;
      this.#dated.set(lease, nowMs + REVOKE_RETRY_MS);
      expired.push(lease.id);
    }
    return expired;
  }

  /**
   * Gives a lease its full TTL again. Only a leader that has confirmed its leadership, and has applied all that was
   * committed before its term, may answer this to a client: another leader may have revoked the lease.
   *
   * @returns the granted TTL in seconds
   * @throws {@link LeaseNotFoundError} if it does not exist, or has expired and is about to be revoked
   */
  renew(id: LeaseId, nowMs: number): number {
    const lease = this.#find(id);
    // Its revocation may be in the log already: a renewal must not be acknowledged and then undone.
    if (lease.ending) throw new LeaseNotFoundError(id);
    this.#date(lease, nowMs);
    return lease.ttlSeconds;
  }

  /**
   * What is left of a lease, all of it if it is not dated yet; 0 or less if it has expired but is not revoked yet.
   *
   * @throws {@link LeaseNotFoundError} if it does not exist
   */
  remainingMs(id: LeaseId, nowMs: number): number {
    const lease = this.#find(id);
    return this.#undated.has(lease) ? fullMs(lease) : lease.deadlineMs - nowMs;
  }

  /**
   * Begins the time of a new leader, which cannot know what its predecessor promised: every lease gets its full TTL and
   * `extraMs` more, counted from when time is next told.
   */
  extendAll(extraMs: number): void {
    for (const lease of this.#leases.values()) {
      lease.deadlineMs = Number.POSITIVE_INFINITY;
      lease.extraMs = extraMs;
      lease.ending = false;
      this.#undated.add(lease);
    }
  }

  #date(lease: Lease, nowMs: number): void {
    const deadlineMs = nowMs + fullMs(lease);
    // A renewal never brings the end nearer than an earlier promise.
    lease.deadlineMs = this.#undated.delete(lease) ? deadlineMs : Math.max(lease.deadlineMs, deadlineMs);
    lease.extraMs = 0;
    this.#dated.set(lease, lease.deadlineMs);
  }

  #add(id: LeaseId, ttlSeconds: number): void {
    const lease = new Lease(id, ttlSeconds);
    this.#leases.set(id, lease);
    this.#undated.add(lease);
  }

  #find(id: LeaseId): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new LeaseNotFoundError(id);
    return lease;
  }
}

class Lease implements Due {
  /** The keys that live by it, as `toMapKey` writes them: their text order is their byte order. */
  readonly keys = new Set<string>();
  /** When its TTL has passed; infinite while it is not dated. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Granted on top of the TTL when it is next dated. */
  extraMs = 0;
  /** It was named as expired, so its revocation may be under way. */
  ending = false;
  dueMs = Number.POSITIVE_INFINITY;
  heapIndex = -1;

  constructor(
    readonly id: LeaseId,
    readonly ttlSeconds: number,
  ) {}
}

function fullMs(lease: Lease): number {
  return lease.ttlSeconds * 1_000 + lease.extraMs;
}

function sortedKeys(lease: Lease): readonly Uint8Array[] {
  return [...lease.keys].sort().map(fromMapKey);
}

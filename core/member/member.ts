import type { Clock } from '../base/clock.js';
import { InvalidArgumentError, LeaseTtlTooLargeError, type MemberStoppedError } from '../base/errors.js';
import { type LeaseId, NO_LEASE } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type {
  DeleteRequest,
  DeleteResult,
  LeaseStatus,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from '../base/operation.js';
import type { Prng } from '../base/prng.js';
import { isReadOnly } from '../mvcc/txn-plan.js';
import { validateDelete, validatePut, validateRange, validateTxn } from '../mvcc/validate.js';
import type { Watcher, WatchRequest } from '../watch/hub.js';
import { type Identity, randomId } from './identity.js';
import { LeaseKeeper } from './lease-keeper.js';
import { Replica, type ReplicaParts } from './replica.js';

/** What a member is composed of. It owns the log and the backend from then on, and closes them. */
export interface MemberParts extends ReplicaParts {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly prng: Prng;
}

const LEASE_ID_MIN = -(2n ** 63n);
const LEASE_ID_MAX = 2n ** 63n - 1n;

/**
 * ONE member of a cluster, as everybody outside sees it: the keyspace, watches and leases. Every call is checked before
 * anything is proposed.
 *
 * It ends by `close()`, or by itself when it cannot keep a promise any more, such as after a failed sync. Then writes
 * under way fail with {@link OutcomeUnknownError}, everything else with {@link MemberStoppedError}, and `stopped` says
 * why.
 */
export class Member {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves when the member has ended: with nothing if it was closed, with the reason if it failed. */
  readonly stopped: Promise<MemberStoppedError | undefined>;

  readonly #parts: MemberParts;
  readonly #replica: Replica;
  readonly #leases: LeaseKeeper;

  private constructor(parts: MemberParts) {
    this.clusterId = parts.identity.clusterId;
    this.memberId = parts.identity.memberId;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.#parts = parts;
    this.#replica = new Replica(parts);
    this.stopped = this.#replica.stopped;
    this.#leases = new LeaseKeeper({
      ...parts,
      lessor: parts.machine.lessor,
      read: (read) => this.#replica.read(read),
      revoke: (id) => this.#replica.proposeFirst({ type: 'leaseRevoke', id }),
    });
    void this.stopped.then(() => this.#leases.stop());
  }

  /** Starts a member; resolves when it has applied everything that was committed before, and answers calls. */
  static async open(parts: MemberParts): Promise<Member> {
    const member = new Member(parts);
    await member.#replica.start();
    member.#leases.start();
    return member;
  }

  /** Raft's term. */
  get term(): number {
    return this.#parts.raft.term;
  }

  /** The store's revision as applied here. */
  get revision(): number {
    return this.#parts.machine.keyspace.revision;
  }

  /** @throws {@link CompactedError}, {@link FutureRevisionError} if the revision asked for cannot be read */
  async range(request: RangeRequest): Promise<RangeResult> {
    validateRange(request);
    const { keyspace } = this.#parts.machine;
    if (!request.serializable) return this.#replica.read(() => keyspace.range(request));
    this.#replica.assertRunning();
    return keyspace.range(request);
  }

  /** @throws {@link LeaseNotFoundError}, {@link KeyNotFoundError} */
  put(request: PutRequest): Promise<PutResult> {
    return this.#replica.propose(request, validatePut);
  }

  /** Deletes a key or a range in one revision. */
  delete(request: DeleteRequest): Promise<DeleteResult> {
    return this.#replica.propose(request, validateDelete);
  }

  /** @throws what its operations would throw by themselves; nothing was changed then */
  async txn(request: TxnRequest): Promise<TxnResult> {
    if (!isReadOnly(request)) return this.#replica.propose(request, validateTxn);
    validateTxn(request);
    return this.#replica.read(() => this.#parts.machine.keyspace.readTxn(request));
  }

  /**
   * Forgets what was overwritten or deleted up to `revision`.
   *
   * @param physical - wait until it is freed, durably
   * @throws {@link CompactedError}, {@link FutureRevisionError}
   */
  async compact(revision: number, physical: boolean): Promise<{ revision: number }> {
    if (!Number.isSafeInteger(revision)) throw new InvalidArgumentError('revision', revision, 'a whole number');
    const result = await this.#replica.propose({ type: 'compact', revision });
    this.#replica.scrub();
    if (physical) await this.#replica.scrubbed();
    return { revision: result.revision };
  }

  /**
   * @param id - 0 to have one chosen
   * @param ttlSeconds - raised to the least that is granted
   * @throws {@link LeaseExistsError}, {@link LeaseTtlTooLargeError}
   */
  async leaseGrant(id: LeaseId, ttlSeconds: number): Promise<{ revision: number; id: LeaseId; ttlSeconds: number }> {
    const { leaseTtlMinSeconds, leaseTtlMaxSeconds } = this.#parts.settings;
    if (!Number.isSafeInteger(ttlSeconds)) throw new InvalidArgumentError('ttl', ttlSeconds, 'whole seconds');
    if (ttlSeconds > leaseTtlMaxSeconds) throw new LeaseTtlTooLargeError(ttlSeconds, leaseTtlMaxSeconds);
    if (id < LEASE_ID_MIN || id > LEASE_ID_MAX) throw new InvalidArgumentError('lease', id, 'a signed 64-bit number');

    const result = await this.#replica.propose({
      type: 'leaseGrant',
      id: id === NO_LEASE ? this.#freeLeaseId() : id,
      ttlSeconds: Math.max(ttlSeconds, leaseTtlMinSeconds),
    });
    this.#leases.granted(result.id);
    return { revision: result.revision, id: result.id, ttlSeconds: result.ttlSeconds };
  }

  /** Ends a lease; its keys are deleted in one revision. @throws {@link LeaseNotFoundError} */
  async leaseRevoke(id: LeaseId): Promise<{ revision: number }> {
    const result = await this.#replica.propose({ type: 'leaseRevoke', id });
    return { revision: result.revision };
  }

  /**
   * Renews a lease to its full TTL from now.
   *
   * @returns its TTL, 0 if it does not exist, and a revision that is not after its end
   */
  async leaseKeepAlive(id: LeaseId): Promise<{ revision: number; ttlSeconds: number }> {
    const { revision } = this;
    return { revision, ttlSeconds: await this.#leases.keepAlive(id) };
  }

  /** What is left of a lease: below 0 if it does not exist. */
  async leaseTimeToLive(id: LeaseId, keys: boolean): Promise<LeaseStatus & { revision: number }> {
    return this.#replica.read(() => {
      const { lessor } = this.#parts.machine;
      const { revision } = this;
      if (!lessor.has(id)) return { id, grantedTtlSeconds: 0, remainingTtlSeconds: -1, keys: [], revision };
      return {
        id,
        grantedTtlSeconds: lessor.ttlSeconds(id),
        // A lease that ran out a moment ago exists until its revocation is applied.
        remainingTtlSeconds: Math.max(0, Math.floor(lessor.remainingMs(id, this.clock.now()) / 1_000)),
        keys: keys ? lessor.keys(id) : [],
        revision,
      };
    });
  }

  /** All leases that exist. */
  async leases(): Promise<{ revision: number; ids: readonly LeaseId[] }> {
    return this.#replica.read(() => ({ revision: this.revision, ids: this.#parts.machine.lessor.ids() }));
  }

  /**
   * Watches a range of keys; see {@link Watcher}. The member's end does not end its watchers: listen to `stopped`.
   *
   * @param onReady - called when `take()` has something after it had nothing
   */
  watch(request: WatchRequest, onReady: () => void): Watcher {
    this.#replica.assertRunning();
    return this.#parts.machine.watch.watch(request, onReady);
  }

  /** Answers whoever waits, makes everything durable, and ends. Idempotent. */
  close(): Promise<void> {
    this.#leases.stop();
    return this.#replica.close();
  }

  #freeLeaseId(): LeaseId {
    let id = randomId(this.#parts.prng);
    while (this.#parts.machine.lessor.has(id)) id = randomId(this.#parts.prng);
    return id;
  }
}

import { type Clock, sleep } from '../base/clock.js';
import { prefix } from '../base/key-range.js';
import { type KeyRange, type KeyValue, type LeaseId, NO_LEASE } from '../base/key-value.js';
import type { Compare, RangeRequest, RangeResult } from '../base/operation.js';
import type { KvPort, LeasePort, WatchPort } from './ports.js';
import { watchedRange } from './watched-range.js';

/** What a line asks of a member. */
export interface LinePort extends KvPort, LeasePort, WatchPort {
  readonly clock: Clock;
}

/** For how long a lease is granted to whoever brings none. Nobody renews it, as in etcd. */
const LEASE_TTL_SECONDS = 60;
/** How often, and with what pause, the place of one who does not wait any more is taken away; its lease ends it otherwise. */
const LEAVE_ATTEMPTS = 5;
const LEAVE_PAUSE_MS = 1_000;

/** A key in a line. */
export interface Place {
  readonly key: Uint8Array;
  readonly lease: LeaseId;
  readonly value: Uint8Array;
  readonly createRevision: number;
  /** The store's, when the place was taken. */
  readonly revision: number;
  readonly isFirst: boolean;
  /** Whether it was taken by this call. One that was there already belongs to another. */
  readonly isNew: boolean;
}

/**
 * Those who want one thing, in the order in which they came: keys below a name, one for each lease, of which the oldest is
 * first. Who waits looks only at who is right before, so that one who leaves wakes one. The layout is that of etcd's
 * clients, so that all of them stand in one line.
 *
 * @remarks Source: etcd, `client/v3/concurrency` (key.go, mutex.go, election.go).
 */
export class WaitingLine {
  readonly #port: LinePort;
  readonly #name: Uint8Array;
  readonly #range: KeyRange;

  constructor(port: LinePort, name: Uint8Array) {
    this.#port = port;
    this.#name = Buffer.concat([name, SLASH]);
    this.#range = prefix(this.#name);
  }

  /**
   * Takes a place, waits until it is the first, and gives it to `use`. If that fails, or the caller is gone, the place is
   * taken away again, where this call took it.
   *
   * @param lease - 0 to have one granted
   * @throws the signal's reason; {@link LeaseNotFoundError}
   */
  async pass<T>(
    { lease, value, signal }: { readonly lease: LeaseId; readonly value: Uint8Array; readonly signal: AbortSignal },
    use: (place: Place, wait: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const granted = lease === NO_LEASE ? (await this.#port.leaseGrant(NO_LEASE, LEASE_TTL_SECONDS)).id : undefined;
    let place: Place | undefined;
    try {
      place = await this.#join(granted ?? lease, value);
      const { createRevision } = place;
      const result = await use(place, () => this.#wait(createRevision, signal));
      signal.throwIfAborted();
      return result;
    } catch (error) {
      void this.#leave(place, granted);
      throw error;
    }
  }

  /** The oldest key of all. */
  first(): Promise<RangeResult> {
    return this.#port.range(this.#oldest());
  }

  /** All keys of the line. */
  get range(): KeyRange {
    return this.#range;
  }

  async #join(lease: LeaseId, value: Uint8Array): Promise<Place> {
    const key = Buffer.concat([this.#name, Buffer.from(lease.toString(16))]);
    const { succeeded, responses, revision } = await this.#port.txn({
      type: 'txn',
      compares: [createdAt(key, 0)],
      success: [{ type: 'put', key, value, lease }, this.#oldest()],
      failure: [{ type: 'range', key }, this.#oldest()],
    });
    const [own, oldest] = responses.map((response) => (response.type === 'range' ? response.kvs[0] : undefined));
    const createRevision = own?.createRevision ?? revision;
    return {
      ...{ key, lease, revision, createRevision, isNew: succeeded },
      value: own?.value ?? value,
      isFirst: oldest === undefined || oldest.createRevision === createRevision,
    };
  }

  async #wait(createRevision: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const before = await this.#port.range({
        ...{ type: 'range', ...this.#range, limit: 1, maxCreateRevision: createRevision - 1 },
        ...{ sortTarget: 'createRevision', sortOrder: 'descend' },
      });
      const [previous] = before.kvs;
      if (previous === undefined) return;
      await this.#gone(previous, before.revision, signal);
    }
  }

  /** Resolves when a key is deleted, or when that cannot be told any more. */
  async #gone({ key }: KeyValue, revision: number, signal: AbortSignal): Promise<void> {
    const request = { target: { key }, from: revision + 1, only: 'delete' } as const;
    for await (const { events } of watchedRange(this.#port, request, signal)) if (events.length > 0) return;
  }

  /** Takes away what a call that failed has made. Where that cannot be, the lease ends it. */
  async #leave(place: Place | undefined, granted: LeaseId | undefined): Promise<void> {
    for (let attempt = 1; attempt <= LEAVE_ATTEMPTS; attempt += 1) {
      try {
        if (granted !== undefined) await this.#port.leaseRevoke(granted);
        else if (place?.isNew) await deleteIfSame(this.#port, place.key, place.createRevision);
        return;
      } catch {
        await sleep(this.#port.clock, LEAVE_PAUSE_MS);
      }
    }
  }

  #oldest(): RangeRequest {
    return { type: 'range', ...this.#range, limit: 1, sortTarget: 'createRevision', sortOrder: 'ascend' };
  }
}

const SLASH = Buffer.from('/');

/** Deletes a key if it is the one that was created then. */
export async function deleteIfSame(
  port: KvPort,
  key: Uint8Array,
  createRevision: number,
): Promise<{ readonly revision: number }> {
  const success = [{ type: 'delete', key }] as const;
  return port.txn({ type: 'txn', compares: [createdAt(key, createRevision)], success, failure: [] });
}

/** Puts a value to a key if it is the one that was created then. Without a lease the key keeps the one that it has. */
export async function putIfSame(
  port: KvPort,
  { key, createRevision, value, lease }: Pick<Place, 'key' | 'createRevision' | 'value' | 'lease'>,
): Promise<{ readonly revision: number; readonly succeeded: boolean }> {
  const bound = lease === NO_LEASE ? { ignoreLease: true } : { lease };
  const success = [{ type: 'put', key, value, ...bound }] as const;
  return port.txn({ type: 'txn', compares: [createdAt(key, createRevision)], success, failure: [] });
}

function createdAt(key: Uint8Array, revision: number): Compare {
  return { key, target: 'createRevision', result: 'equal', operand: revision };
}

/**
 * THE PORT: everything a recipe may ask of a store, whoever answers. `core/embedded` implements it in this process,
 * `core/client` over gRPC; both pass the conformance suite (`core/testing/conformance`), and so does a real etcd behind the client.
 */
import type { BytesLike } from './base/bytes.js';
import type { Clock } from './base/clock.js';
import type { Duration } from './base/duration.js';
import type { Event, KeyRange, KeyValue, LeaseId } from './base/key-value.js';
import type { Logger } from './base/logger.js';
import type { LeaseStatus, SortOrder, SortTarget, WatchBatch } from './base/operation.js';
import type { Origin } from './base/origin.js';
import type { Prng } from './base/prng.js';
import type { Txn } from './txn.js';

/** One key by its name, or a range made by `prefix()`, `range()`, `fromKey()` or `everything()`. */
export type Target = BytesLike | KeyRange;

/** Every call can be called off. A read or a wait then leaves nothing behind; a write may still be carried out. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  /** Read as of this revision. Default: the latest. */
  readonly revision?: number;
  /** Let this member answer from its own state, which may be behind. Default: linearizable. */
  readonly serializable?: boolean;
}

export interface RangeOptions extends ReadOptions {
  /** At most so many keys. Default: all. */
  readonly limit?: number;
  readonly sortTarget?: SortTarget;
  readonly sortOrder?: SortOrder;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Filters on revisions, inclusive. */
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface PutOptions extends CallOptions {
  /** The lease the key shall live by. Without it a leased key loses its lease. */
  readonly lease?: LeaseId | Lease;
  /** Also answer the key as it was before. */
  readonly previous?: boolean;
  /** Keep the key's value; give an empty one. The key must exist. */
  readonly ignoreValue?: boolean;
  /** Keep the key's lease. The key must exist. */
  readonly ignoreLease?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Also answer the keys as they were before. */
  readonly previous?: boolean;
}

export interface WatchOptions extends CallOptions {
  /** The first revision to deliver. Default: the next one. */
  readonly from?: number;
  /** Let each event carry the key as it was before. */
  readonly previous?: boolean;
  /** Deliver only events of this type. */
  readonly only?: Event['type'];
  /** Deliver an empty batch from time to time while nothing happens, so that silence can be told from loss. */
  readonly progress?: boolean;
}

export interface GrantOptions extends CallOptions {
  /** The lease's id. Default: one is chosen. */
  readonly id?: LeaseId;
}

/**
 * What changes, in order: every event of every revision from the first asked for, none twice, none split. Ends with
 * {@link CompactedError} if its next revision was compacted away; iterate once. Breaking out of the loop, disposing or
 * aborting the signal ends it; an abort rejects with the signal's reason.
 */
export interface WatchStream extends AsyncIterable<WatchBatch>, AsyncDisposable {
  /** Resolves once the store watches, with its revision at that moment. Rejects if the watch could not begin. */
  readonly created: Promise<number>;
}

/** A lease: keys put with it are deleted, all in one revision, when it ends. It never ends early. */
export interface Lease {
  readonly id: LeaseId;
  /** What was granted; the store may have raised it to its minimum. */
  readonly ttlSeconds: number;
  /**
   * Renews the lease once, to its full TTL counted from when the store received this.
   *
   * @throws {@link LeaseNotFoundError} if it has ended
   */
  keepAlive(options?: CallOptions): Promise<void>;
  /** What is left of it. A lease that has ended answers a remaining TTL below 0. */
  timeToLive(options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseStatus>;
  /**
   * Ends it, deleting its keys.
   *
   * @throws {@link LeaseNotFoundError} if it has ended already
   */
  revoke(options?: CallOptions): Promise<void>;
}

export interface RangeAnswer {
  readonly kvs: readonly KeyValue[];
  /** How many keys the range has, before `limit` and the filters. */
  readonly count: number;
  /** Whether `limit` left some out. */
  readonly more: boolean;
  /** The store's revision when it answered: watch from the next one to miss nothing. */
  readonly revision: number;
}

/** @see {@link connect} and {@link open}, which make one. */
export interface Store extends AsyncDisposable {
  /** The clock by which everything built on this store measures time. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** The chance from which everything built on this store draws ids and jitter. */
  readonly prng: Prng;
  /** Whom recipes name as the writer of their keys, for people to read. Absent: this process. */
  readonly origin?: Origin;

  /** The key as it is, or `undefined` if it does not exist. */
  get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | undefined>;

  /**
   * The keys of a range, in key order unless sorted.
   *
   * @throws {@link CompactedError}, {@link FutureRevisionError} if `revision` cannot be read
   */
  range(target: Target, options?: RangeOptions): Promise<RangeAnswer>;

  /**
   * @throws {@link LeaseNotFoundError} if the lease does not exist
   * @throws {@link OutcomeUnknownError} if the answer was lost: it may have been carried out
   */
  put(key: BytesLike, value: BytesLike, options?: PutOptions): Promise<{ revision: number; previous?: KeyValue }>;

  /** Deletes a key or a range, all in one revision. Deleting nothing makes no revision. */
  delete(
    target: Target,
    options?: DeleteOptions,
  ): Promise<{ revision: number; deleted: number; previous: readonly KeyValue[] }>;

  /** Begins a transaction: `txn().when(...).do(...).otherwise(...).commit()`. */
  txn(): Txn;

  watch(target: Target, options?: WatchOptions): WatchStream;

  /**
   * Grants a lease. The store counts TTLs in whole seconds, rounds up, and raises those below its minimum.
   *
   * @throws {@link LeaseExistsError} if `id` is taken
   */
  grantLease(ttl: Duration, options?: GrantOptions): Promise<Lease>;
  /** A handle on a lease that was granted elsewhere; asks the store nothing. */
  lease(id: LeaseId): Pick<Lease, 'id' | 'keepAlive' | 'timeToLive' | 'revoke'>;
  leases(options?: CallOptions): Promise<readonly LeaseId[]>;

  /**
   * Forgets what was overwritten or deleted up to this revision.
   *
   * @param options - `physical`: wait until the space is free for use again
   */
  compact(revision: number, options?: CallOptions & { readonly physical?: boolean }): Promise<void>;

  /**
   * A part of this store that is a store of its own: every key begins with this prefix, which nobody within it sees. Reads,
   * writes, transactions, watches and the keys of leases stay within it; `everything()` is everything of the namespace.
   * Namespaces nest. Revisions, leases' ids, `leases()` and `compact()` are those of the whole store.
   *
   * Closing it ends its watches, and it takes no more calls; this store stays open. Closing this store ends it too.
   *
   * @param prefix - 1 to `LIMITS.namespaceBytes` bytes, mostly with a separator at its end: `'team-a/'`
   * @throws {@link InvalidArgumentError} if the prefix is empty, too long, or neither text nor bytes
   */
  namespace(prefix: BytesLike): Store;

  /** Lets go of everything: watches end, connections close, an embedded member drains and stops. Idempotent. */
  close(): Promise<void>;
}

import { bytesOf, checkRevision, rangeOf, watchedRangeOf } from '../base/arguments.js';
import type { BytesLike } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { type Duration, toMilliseconds } from '../base/duration.js';
import { ClosedError } from '../base/errors.js';
import { EventLoopHold } from '../base/event-loop-hold.js';
import { type KeyRange, type KeyValue, type LeaseId, NO_LEASE } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type { PutRequest, PutResult, RangeRequest, RangeResult } from '../base/operation.js';
import type { Origin } from '../base/origin.js';
import type { Prng } from '../base/prng.js';
import type { Member, MemberStatus } from '../member/member.js';
import { KeyPrefix } from '../namespace/key-prefix.js';
import { NamespacedStore } from '../namespace/namespaced-store.js';
import type { RunningMember } from '../server/start-member.js';
import type {
  CallOptions,
  DeleteOptions,
  GrantOptions,
  Lease,
  PutOptions,
  RangeAnswer,
  RangeOptions,
  ReadOptions,
  Store,
  Target,
  WatchOptions,
  WatchStream,
} from '../store.js';
import { toLeaseId, Txn } from '../txn.js';
import { abortable } from './abortable.js';
import { EmbeddedLease } from './embedded-lease.js';
import { EmbeddedWatch } from './embedded-watch.js';
import { waitingForRate } from './rate-waiting.js';

const NO_OPTIONS = {};

/** How an embedded member is. It leads if `leader` is `memberId`. */
export interface StoreStatus extends MemberStatus {
  readonly clusterId: bigint;
  readonly memberId: bigint;
}

/** What a store in this process goes by. */
export interface EmbeddedStoreSettings {
  /** Milliseconds of silence after which a watch that asked for progress is told how far it is. */
  readonly watchProgressMs: number;
  readonly origin?: Origin | undefined;
  /** Milliseconds within which calls that came too fast are made again. Absent: there is no limit to their rate. */
  readonly rateWaitMs?: number | undefined;
}

/**
 * The store in this process, by calling a member. Arrays that it is given must not be changed before the call is
 * answered; arrays that it returns are shared with others and must not be changed at all.
 */
export class EmbeddedStore implements Store {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly origin?: Origin;
  /** Where others reach the member over etcd's protocol, if it listens: `http://127.0.0.1:2379`. */
  readonly clientUrl?: string;
  /** Resolves when the member has ended: with nothing if the store was closed, with the reason if the member failed. */
  readonly stopped: Promise<Error | undefined>;

  readonly #running: RunningMember;
  readonly #member: Member;
  readonly #progressMs: number;
  readonly #rateWaitMs: number | undefined;
  readonly #closed = new AbortController();
  readonly #watches = new Set<EmbeddedWatch>();
  readonly #loop: EventLoopHold;
  #closing: Promise<void> | undefined;

  constructor(running: RunningMember, settings: EmbeddedStoreSettings) {
    this.#running = running;
    this.#member = running.member;
    this.#progressMs = settings.watchProgressMs;
    this.#rateWaitMs = settings.rateWaitMs;
    this.clock = running.member.clock;
    this.#loop = new EventLoopHold(this.clock);
    this.logger = running.member.logger;
    this.prng = running.member.prng;
    if (settings.origin) this.origin = settings.origin;
    this.stopped = running.member.stopped;
    if (running.clientUrl !== undefined) this.clientUrl = running.clientUrl;
    void this.stopped.then((failure) => {
      this.#endWatches(failure ?? new ClosedError());
      this.#loop.close();
    });
  }

  /** How the member is, and who it is: whether a leader is known, and how far it is in the log. */
  status(): StoreStatus {
    const { clusterId, memberId } = this.#member;
    return { ...this.#member.status(), clusterId, memberId };
  }

  async get(key: BytesLike, options: ReadOptions = NO_OPTIONS): Promise<KeyValue | undefined> {
    const answer = await this.#range({ key: bytesOf(key, 'key') }, options);
    return answer.kvs[0];
  }

  async range(target: Target, options: RangeOptions = NO_OPTIONS): Promise<RangeAnswer> {
    const { kvs, count, more, revision } = await this.#range(rangeOf(target), options);
    return { kvs, count, more, revision };
  }

  /** Without `async`, which costs a put a tenth more: many callers at once is what puts must be quick for. */
  put(
    key: BytesLike,
    value: BytesLike,
    options: PutOptions = NO_OPTIONS,
  ): Promise<{ revision: number; previous?: KeyValue }> {
    try {
      const request = toPutRequest(key, value, options);
      return this.#call(options, (member) => member.put(request)).then(toPutAnswer);
    } catch (error) {
      const refusal = error as Error;
      return Promise.reject(refusal);
    }
  }

  async delete(
    target: Target,
    options: DeleteOptions = NO_OPTIONS,
  ): Promise<{ revision: number; deleted: number; previous: readonly KeyValue[] }> {
    const request = { type: 'delete', ...rangeOf(target), previous: options.previous ?? false } as const;
    const { revision, deleted, previous } = await this.#call(options, (member) => member.delete(request));
    return { revision, deleted, previous };
  }

  txn(): Txn {
    return new Txn((request, options) => this.#call(options, (member) => member.txn(request)));
  }

  watch(target: Target, options: WatchOptions = NO_OPTIONS): WatchStream {
    const watch = new EmbeddedWatch(this.#member, {
      request: () => this.#watchRequest(target, options),
      signal: options.signal,
      progressMs: options.progress ? this.#progressMs : undefined,
      onEnd: (ended) => this.#watches.delete(ended),
      loop: this.#loop,
    });
    if (!watch.ended) this.#watches.add(watch);
    return watch;
  }

  async grantLease(ttl: Duration, options: GrantOptions = NO_OPTIONS): Promise<Lease> {
    const seconds = Math.ceil(toMilliseconds(ttl, 'ttl') / 1_000);
    const id = toLeaseId(options.id ?? NO_LEASE);
    const granted = await this.#call(options, (member) => member.leaseGrant(id, seconds));
    return new EmbeddedLease(this.#call, granted.id, granted.ttlSeconds);
  }

  lease(id: LeaseId): Pick<Lease, 'id' | 'keepAlive' | 'timeToLive' | 'revoke'> {
    return new EmbeddedLease(this.#call, toLeaseId(id), Number.NaN);
  }

  async leases(options: CallOptions = NO_OPTIONS): Promise<readonly LeaseId[]> {
    return (await this.#call(options, (member) => member.leases())).ids;
  }

  async compact(revision: number, options: CallOptions & { readonly physical?: boolean } = NO_OPTIONS): Promise<void> {
    checkRevision(revision, 'revision');
    await this.#call(options, (member) => member.compact(revision, options.physical ?? false));
  }

  namespace(prefix: BytesLike): Store {
    return new NamespacedStore(this, new KeyPrefix(prefix));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #range(target: KeyRange, options: RangeOptions): Promise<RangeResult> {
    const request = toRangeRequest(target, options);
    return this.#call(options, (member) => member.range(request));
  }

  #watchRequest(target: Target, { from, previous, only }: WatchOptions) {
    if (this.#closing !== undefined) throw new ClosedError();
    checkRevision(from, 'from');
    return {
      target: watchedRangeOf(target),
      ...(from !== undefined && { from }),
      ...(previous !== undefined && { previous }),
      ...(only !== undefined && { only }),
    };
  }

  readonly #call = <T>(options: CallOptions, begin: (member: Member) => Promise<T>): Promise<T> => {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError());
    const { signal } = options;
    if (this.#rateWaitMs !== undefined) return this.#callAtRate(signal, this.#rateWaitMs, begin);
    return signal === undefined ? begin(this.#member) : abortable(signal, () => begin(this.#member));
  };

  #callAtRate<T>(given: AbortSignal | undefined, mostMs: number, begin: (member: Member) => Promise<T>): Promise<T> {
    const { clock, prng } = this;
    const signal = given === undefined ? this.#closed.signal : AbortSignal.any([given, this.#closed.signal]);
    const call = () => waitingForRate({ clock, prng, mostMs, signal }, () => begin(this.#member));
    return given === undefined ? call() : abortable(given, call);
  }

  #endWatches(reason: Error): void {
    for (const watch of [...this.#watches]) watch.fail(reason);
  }

  async #close(): Promise<void> {
    this.#endWatches(new ClosedError());
    this.#closed.abort(new ClosedError());
    await this.#running.close();
  }
}

function toPutRequest(key: BytesLike, value: BytesLike, options: PutOptions): PutRequest {
  return {
    type: 'put',
    key: bytesOf(key, 'key'),
    value: bytesOf(value, 'value'),
    lease: toLeaseId(options.lease),
    previous: options.previous ?? false,
    ignoreValue: options.ignoreValue ?? false,
    ignoreLease: options.ignoreLease ?? false,
  };
}

function toPutAnswer({ revision, previous }: PutResult): { revision: number; previous?: KeyValue } {
  return previous === undefined ? { revision } : { revision, previous };
}

/** Always of one shape, each absent option as what its absence means: reads are frequent, and engines like that. */
function toRangeRequest(target: KeyRange, options: RangeOptions): RangeRequest {
  const request = {
    type: 'range',
    key: target.key,
    limit: options.limit ?? 0,
    revision: options.revision ?? 0,
    sortTarget: options.sortTarget ?? 'key',
    sortOrder: options.sortOrder ?? 'none',
    serializable: options.serializable ?? false,
    keysOnly: options.keysOnly ?? false,
    countOnly: options.countOnly ?? false,
    minModRevision: options.minModRevision ?? 0,
    maxModRevision: options.maxModRevision ?? 0,
    minCreateRevision: options.minCreateRevision ?? 0,
    maxCreateRevision: options.maxCreateRevision ?? 0,
  } as const;
  checkRevision(request.revision, 'revision');
  return target.end === undefined ? request : { ...request, end: target.end };
}

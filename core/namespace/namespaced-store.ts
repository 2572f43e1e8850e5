import { bytesOf, rangeOf } from '../base/arguments.js';
import type { BytesLike } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import type { Duration } from '../base/duration.js';
import { ClosedError } from '../base/errors.js';
import type { KeyValue, LeaseId } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type { LeaseStatus, TxnRequest, TxnResult } from '../base/operation.js';
import type { Origin } from '../base/origin.js';
import type { Prng } from '../base/prng.js';
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
import { Txn } from '../txn.js';
import { KeyPrefix } from './key-prefix.js';
import { NamespacedWatch } from './namespaced-watch.js';
import { offError, offResult, ontoTxn } from './translation.js';

type LeaseHandle = Pick<Lease, 'id' | 'keepAlive' | 'timeToLive' | 'revoke'>;

/**
 * A store in which every key begins with a prefix that nobody sees: written once, over whatever store there is. All
 * that names a key is put into the namespace on its way in, and taken out of it on its way out.
 *
 * @remarks Source: etcd's `clientv3/namespace`. Unlike there, a transaction's nested ones are translated in their answers
 * too, ranges without an end stay within the namespace, and errors name keys as the caller does.
 */
export class NamespacedStore implements Store {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly origin?: Origin;
  readonly #inner: Store;
  readonly #prefix: KeyPrefix;
  readonly #closeInner: () => Promise<void>;
  readonly #watches = new Set<NamespacedWatch>();
  #isClosed = false;

  /** @param options - `ownsStore`: closing this closes the store too */
  constructor(inner: Store, prefix: KeyPrefix, options: { readonly ownsStore?: boolean } = {}) {
    this.#prefix = prefix;
    this.#inner = inner;
    this.#closeInner = options.ownsStore ? () => inner.close() : async () => {};
    this.clock = inner.clock;
    this.logger = inner.logger;
    this.prng = inner.prng;
    if (inner.origin) this.origin = inner.origin;
  }

  get(key: BytesLike, options: ReadOptions = {}): Promise<KeyValue | undefined> {
    return this.#call(async (inner, prefix) => {
      const kv = await inner.get(prefix.onto(bytesOf(key, 'key')), options);
      return kv && prefix.offKeyValue(kv);
    });
  }

  range(target: Target, options: RangeOptions = {}): Promise<RangeAnswer> {
    return this.#call(async (inner, prefix) => {
      const answer = await inner.range(prefix.ontoRange(rangeOf(target)), options);
      return { ...answer, kvs: answer.kvs.map((kv) => prefix.offKeyValue(kv)) };
    });
  }

  put(key: BytesLike, value: BytesLike, options: PutOptions = {}): Promise<{ revision: number; previous?: KeyValue }> {
    return this.#call(async (inner, prefix) => {
      const answer = await inner.put(prefix.onto(bytesOf(key, 'key')), value, options);
      return answer.previous === undefined ? answer : { ...answer, previous: prefix.offKeyValue(answer.previous) };
    });
  }

  delete(
    target: Target,
    options: DeleteOptions = {},
  ): Promise<{ revision: number; deleted: number; previous: readonly KeyValue[] }> {
    return this.#call(async (inner, prefix) => {
      const answer = await inner.delete(prefix.ontoRange(rangeOf(target)), options);
      return { ...answer, previous: answer.previous.map((kv) => prefix.offKeyValue(kv)) };
    });
  }

  txn(): Txn {
    return new Txn((request, options) => this.#txn(request, options));
  }

  watch(target: Target, options: WatchOptions = {}): WatchStream {
    const signal = this.#isClosed ? AbortSignal.abort(closed()) : options.signal;
    const onEnd = (ended: NamespacedWatch) => this.#watches.delete(ended);
    const parts = { inner: this.#inner, prefix: this.#prefix, onEnd };
    const watch = new NamespacedWatch(parts, target, { ...options, ...(signal && { signal }) });
    if (!watch.hasEnded) this.#watches.add(watch);
    return watch;
  }

  async grantLease(ttl: Duration, options: GrantOptions = {}): Promise<Lease> {
    const lease = await this.#call((inner) => inner.grantLease(ttl, options));
    return { ...this.#leaseHandle(lease), ttlSeconds: lease.ttlSeconds };
  }

  lease(id: LeaseId): LeaseHandle {
    return this.#leaseHandle(this.#inner.lease(id));
  }

  leases(options: CallOptions = {}): Promise<readonly LeaseId[]> {
    return this.#call((inner) => inner.leases(options));
  }

  compact(revision: number, options: CallOptions & { readonly physical?: boolean } = {}): Promise<void> {
    return this.#call((inner) => inner.compact(revision, options));
  }

  namespace(prefix: BytesLike): Store {
    return new NamespacedStore(this, new KeyPrefix(prefix));
  }

  /** Ends what was begun through it; the store it is a part of stays open, unless it owns that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watch of [...this.#watches]) watch.fail(closed());
    await this.#closeInner();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #txn(request: TxnRequest, options: CallOptions): Promise<TxnResult> {
    return this.#call(async (inner, prefix) => {
      const { compares, success, failure } = ontoTxn(prefix, request);
      const txn = inner
        .txn()
        .when(...compares)
        .do(...success)
        .otherwise(...failure);
      return offResult(prefix, { type: 'txn', ...(await txn.commit(options)) }) as TxnResult;
    });
  }

  #leaseHandle(lease: LeaseHandle): LeaseHandle {
    const { id } = lease;
    return {
      id,
      keepAlive: (options) => this.#call(() => lease.keepAlive(options)),
      timeToLive: (options) => this.#call(async (_, prefix) => ownKeysOf(await lease.timeToLive(options), prefix)),
      revoke: (options) => this.#call(() => lease.revoke(options)),
    };
  }

  async #call<T>(work: (inner: Store, prefix: KeyPrefix) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    try {
      return await work(this.#inner, this.#prefix);
    } catch (error) {
      throw offError(this.#prefix, error);
    }
  }
}

/** A lease may carry keys of other namespaces too: those are nobody's concern here. */
function ownKeysOf(status: LeaseStatus, prefix: KeyPrefix): LeaseStatus {
  return { ...status, keys: status.keys.filter((key) => prefix.isOn(key)).map((key) => prefix.off(key)) };
}

function closed(): ClosedError {
  return new ClosedError('the namespace');
}

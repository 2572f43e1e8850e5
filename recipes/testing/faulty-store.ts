import type { BytesLike } from '../../core/base/bytes.js';
import type { Clock } from '../../core/base/clock.js';
import type { Duration } from '../../core/base/duration.js';
import { OutcomeUnknownError } from '../../core/base/errors.js';
import type { LeaseId } from '../../core/base/key-value.js';
import type { Logger } from '../../core/base/logger.js';
import type { TxnRequest, TxnResult, WatchBatch } from '../../core/base/operation.js';
import type { Origin } from '../../core/base/origin.js';
import type { Prng } from '../../core/base/prng.js';
import { KeyPrefix } from '../../core/namespace/key-prefix.js';
import { NamespacedStore } from '../../core/namespace/namespaced-store.js';
import type {
  CallOptions,
  DeleteOptions,
  GrantOptions,
  Lease,
  PutOptions,
  RangeOptions,
  ReadOptions,
  Store,
  Target,
  WatchOptions,
  WatchStream,
} from '../../core/store.js';
import { Txn } from '../../core/txn.js';
import { linkSignals } from '../wait.js';

export type Method =
  | 'get'
  | 'range'
  | 'put'
  | 'delete'
  | 'txn'
  | 'grantLease'
  | 'keepAlive'
  | 'timeToLive'
  | 'revoke'
  | 'leases'
  | 'compact';

/** One call that reached the store, numbered from 1 in the order of arrival. Watches are not among them. */
export interface Call {
  readonly number: number;
  readonly method: Method;
  /** The transaction, if it is one. */
  readonly txn?: TxnRequest;
}

/**
 * What befalls a call.
 *
 * - `fail`: nothing is done, and the caller gets the error
 * - `loseReply`: it is carried out, and the caller gets {@link OutcomeUnknownError}
 * - `loseRequest`: nothing is done, and the caller gets {@link OutcomeUnknownError}
 * - `hang`: nothing is done and no answer comes; the caller's signal ends its wait
 * - `hangAfter`: it is carried out and no answer comes
 * - `deliverLate`: no answer comes; it is carried out once `until` resolves, whether or not anybody still waits
 * - `before`, `after`: something else happens first, or before the answer comes
 */
export type Fault =
  | { readonly kind: 'fail'; readonly error: Error }
  | { readonly kind: 'loseReply' | 'loseRequest' | 'hang' | 'hangAfter' }
  | { readonly kind: 'deliverLate'; readonly until: Promise<unknown> }
  | { readonly kind: 'before' | 'after'; readonly act: () => unknown };

/** A store between a recipe and a real one, on which everything that a network does can be done. */
export class FaultyStore implements Store {
  /** Every call so far. */
  readonly calls: Call[] = [];
  /** Asked for each call what shall befall it. Default: nothing. */
  onCall: (call: Call) => Fault | undefined = () => undefined;
  /** What calls failed with by themselves, with no fault of ours. */
  readonly failures: unknown[] = [];
  /** Batches that were delivered to watches so far, without empty ones. */
  wakeUpCount = 0;

  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly origin?: Origin;
  readonly #inner: Store;
  #hearing: Promise<void> | undefined;
  #hear: () => void = () => {};
  readonly #watches = new Set<(error: Error) => void>();

  constructor(inner: Store, parts: { readonly clock?: Clock; readonly logger?: Logger } = {}) {
    this.#inner = inner;
    this.clock = parts.clock ?? inner.clock;
    this.logger = parts.logger ?? inner.logger;
    this.prng = inner.prng;
    if (inner.origin) this.origin = inner.origin;
  }

  /** The watches that are open now. */
  get watchCount(): number {
    return this.#watches.size;
  }

  /** Holds back what watches have to say, until {@link hear}: they stay open and silent. */
  deafen(): void {
    this.#hearing ??= new Promise((resolve) => (this.#hear = resolve));
  }

  /** Lets watches deliver again, what was held back first. */
  hear(): void {
    this.#hear();
    this.#hearing = undefined;
  }

  /** Ends every open watch with this error. */
  breakWatches(error: Error): void {
    for (const end of [...this.#watches]) end(error);
  }

  get(key: BytesLike, options: ReadOptions = {}) {
    return this.#call('get', options, (options) => this.#inner.get(key, options));
  }

  range(target: Target, options: RangeOptions = {}) {
    return this.#call('range', options, (options) => this.#inner.range(target, options));
  }

  put(key: BytesLike, value: BytesLike, options: PutOptions = {}) {
    return this.#call('put', options, (options) => this.#inner.put(key, value, options));
  }

  delete(target: Target, options: DeleteOptions = {}) {
    return this.#call('delete', options, (options) => this.#inner.delete(target, options));
  }

  txn(): Txn {
    return new Txn((txn, options) => this.#call('txn', options, (options) => this.#commit(txn, options), txn));
  }

  watch(target: Target, options: WatchOptions = {}): WatchStream {
    const link = linkSignals(options.signal);
    const inner = this.#inner.watch(target, { ...options, signal: link.signal });
    const end = (error: Error) => link.abort(error);
    this.#watches.add(end);
    const closed = () => {
      this.#watches.delete(end);
      link.unlink();
    };
    const batches = this.#batches(inner, closed);
    return {
      created: inner.created,
      [Symbol.asyncIterator]: () => batches,
      [Symbol.asyncDispose]: async () => {
        closed();
        await inner[Symbol.asyncDispose]();
      },
    };
  }

  async grantLease(ttl: Duration, options: GrantOptions = {}): Promise<Lease> {
    const { id, ttlSeconds } = await this.#call('grantLease', options, (options) =>
      this.#inner.grantLease(ttl, options),
    );
    return { ...this.lease(id), ttlSeconds };
  }

  lease(id: LeaseId): Pick<Lease, 'id' | 'keepAlive' | 'timeToLive' | 'revoke'> {
    const inner = this.#inner.lease(id);
    return {
      id,
      keepAlive: (options = {}) => this.#call('keepAlive', options, (options) => inner.keepAlive(options)),
      timeToLive: (options = {}) => this.#call('timeToLive', options, (options) => inner.timeToLive(options)),
      revoke: (options = {}) => this.#call('revoke', options, (options) => inner.revoke(options)),
    };
  }

  leases(options: CallOptions = {}) {
    return this.#call('leases', options, (options) => this.#inner.leases(options));
  }

  compact(revision: number, options: CallOptions & { readonly physical?: boolean } = {}) {
    return this.#call('compact', options, (options) => this.#inner.compact(revision, options));
  }

  namespace(prefix: BytesLike): Store {
    return new NamespacedStore(this, new KeyPrefix(prefix));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #commit(request: TxnRequest, options: CallOptions): Promise<TxnResult> {
    const { compares, success, failure } = request;
    const txn = this.#inner
      .txn()
      .when(...compares)
      .do(...success)
      .otherwise(...failure);
    return { type: 'txn', ...(await txn.commit(options)) };
  }

  async #call<T, O extends CallOptions>(
    method: Method,
    options: O,
    carryOutWith: (options: O) => Promise<T>,
    txn?: TxnRequest,
  ): Promise<T> {
    const { signal } = options;
    const carryOut = () => carryOutWith(options);
    signal?.throwIfAborted();
    const call: Call = { number: this.calls.length + 1, method, ...(txn && { txn }) };
    this.calls.push(call);
    const fault = this.onCall(call);
    if (!fault) return this.#noting(carryOut);
    switch (fault.kind) {
      case 'fail':
        throw fault.error;
      case 'loseReply':
        await carryOut();
        throw new OutcomeUnknownError(method);
      case 'loseRequest':
        throw new OutcomeUnknownError(method);
      case 'hang':
        return silence(signal);
      case 'hangAfter':
        await carryOut();
        return silence(signal);
      case 'deliverLate':
        // Once it is on its way nobody can call it off, and what comes of it concerns nobody any more.
        void fault.until.then(() => carryOutWith(withoutSignal(options))).catch(() => undefined);
        return silence(signal);
      case 'before':
        await fault.act();
        signal?.throwIfAborted();
        return carryOut();
      case 'after': {
        const answer = await carryOut();
        await fault.act();
        signal?.throwIfAborted();
        return answer;
      }
    }
  }

  async #noting<T>(carryOut: () => Promise<T>): Promise<T> {
    try {
      return await carryOut();
    } catch (error) {
      this.failures.push(error);
      throw error;
    }
  }

  async *#batches(inner: WatchStream, closed: () => void): AsyncGenerator<WatchBatch, void> {
    try {
      for await (const batch of inner) {
        await this.#hearing;
        if (batch.events.length > 0) this.wakeUpCount += 1;
        yield batch;
      }
    } finally {
      closed();
    }
  }
}

/** An answer that never comes. */
function silence(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function withoutSignal<O extends CallOptions>(options: O): O {
  const { signal: _, ...rest } = options;
  return rest as O;
}

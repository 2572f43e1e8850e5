import { bytesOf, checkRevision, rangeOf, watchedRangeOf } from '../base/arguments.js';
import type { BytesLike } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import type { Duration } from '../base/duration.js';
import { hasCode, OutcomeUnknownError } from '../base/errors.js';
import { EventLoopHold } from '../base/event-loop-hold.js';
import type { KeyValue, LeaseId } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type { Operation, TxnRequest, TxnResult } from '../base/operation.js';
import type { Origin } from '../base/origin.js';
import type { Prng } from '../base/prng.js';
import { KeyPrefix } from '../namespace/key-prefix.js';
import { NamespacedStore } from '../namespace/namespaced-store.js';
import { toDeleteMessage, toPutMessage, toRangeMessage, toTxnMessage } from '../rpc/convert-requests.js';
import { fromDeleteResponse, fromPutResponse, fromRangeResponse, fromTxnResponse } from '../rpc/convert-results.js';
import { KVService } from '../rpc/gen/kv.js';
import { toInt64 } from '../rpc/int64.js';
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
import { get, put, remove, toLeaseId, Txn } from '../txn.js';
import { Caller, isPassing } from './caller.js';
import { EndpointPool } from './endpoint-pool.js';
import { EndpointSync } from './endpoint-sync.js';
import { LeaseClient } from './lease-client.js';
import {
  type ClientOptions,
  type ClientSettings,
  clientSettings,
  type EndpointAddress,
  type InternalOptions,
} from './settings.js';
import { withRevisions } from './revision-lookup.js';
import { WatchLink } from './watch-link.js';

/**
 * Connects to a cluster of etcd, or of Conclave, over gRPC.
 *
 * @param endpoints - where its members listen for clients; any of them will do
 * @throws {@link UnavailableError} if none could be reached within `dialTimeoutMs`
 * @throws {@link AuthenticationFailedError} if the user does not exist, or has another password
 * @throws {@link InvalidArgumentError} if there is no endpoint, or a setting is out of its range
 */
export async function connectGrpc(endpoints: readonly EndpointAddress[], options: ClientOptions = {}): Promise<Store> {
  const settings = clientSettings(options, endpoints.length);
  const store = new GrpcStore(endpoints, settings);
  const loop = new EventLoopHold(settings.clock);
  loop.hold();
  try {
    await store.ready();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  } finally {
    loop.release();
  }
}

/** The same without waiting for a connection: the first call makes it. */
export function grpcStore(endpoints: readonly EndpointAddress[], options: ClientOptions & InternalOptions): Store {
  const settings = clientSettings(options, endpoints.length);
  return new GrpcStore(endpoints, settings);
}

class GrpcStore implements Store {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly origin?: Origin;
  readonly #pool: EndpointPool;
  readonly #caller: Caller;
  readonly #leases: LeaseClient;
  readonly #watches: WatchLink;
  readonly #sync: EndpointSync;
  readonly #requestTimeoutMs: number;

  constructor(endpoints: readonly EndpointAddress[], settings: ClientSettings) {
    const pool = new EndpointPool(endpoints, settings);
    this.clock = settings.clock;
    this.logger = settings.logger;
    this.prng = settings.prng;
    if (settings.origin) this.origin = settings.origin;
    this.#requestTimeoutMs = settings.requestTimeoutMs;
    this.#pool = pool;
    this.#caller = new Caller(pool, settings);
    this.#leases = new LeaseClient(this.#caller, settings);
    this.#watches = new WatchLink(pool, settings);
    this.#sync = new EndpointSync(this.#caller, pool, endpoints, settings);
  }

  /** Resolves once a member is connected to, and takes whom the store speaks for, if it does for anybody. */
  async ready(): Promise<void> {
    await this.#pool.connection();
    const plan = { asked: { what: 'authentication' }, isRepeatable: true, signal: undefined };
    await this.#caller.attempts(plan, async () => undefined);
  }

  async get(key: BytesLike, options: ReadOptions = {}): Promise<KeyValue | undefined> {
    return (await this.range(bytesOf(key, 'key'), options)).kvs[0];
  }

  async range(target: Target, options: RangeOptions = {}): Promise<RangeAnswer> {
    const { signal, ...rest } = options;
    checkRevision(options.revision, 'revision');
    const operation = get(rangeOf(target), rest);
    const message = toRangeMessage(operation);
    const plan = { asked: { what: 'range', operation }, isRepeatable: true, signal };
    const answer = fromRangeResponse(await this.#reading(this.#caller.unary(KVService.range, message, plan)));
    return { kvs: answer.kvs, count: answer.count, more: answer.more, revision: answer.revision };
  }

  async put(
    key: BytesLike,
    value: BytesLike,
    options: PutOptions = {},
  ): Promise<{ revision: number; previous?: KeyValue }> {
    const { signal, lease, ...rest } = options;
    const wanted = { ...rest, lease: toLeaseId(lease) };
    const operation = put(bytesOf(key, 'key'), bytesOf(value, 'value'), wanted);
    const message = toPutMessage(operation);
    const plan = { asked: { what: 'put', operation }, isRepeatable: false, signal };
    const { revision, previous } = fromPutResponse(await this.#caller.unary(KVService.put, message, plan));
    return previous ? { revision, previous } : { revision };
  }

  async delete(
    target: Target,
    options: DeleteOptions = {},
  ): Promise<{ revision: number; deleted: number; previous: readonly KeyValue[] }> {
    const { signal, ...rest } = options;
    const operation = remove(rangeOf(target), rest);
    const message = toDeleteMessage(operation);
    const plan = { asked: { what: 'delete', operation }, isRepeatable: false, signal };
    const answer = fromDeleteResponse(await this.#caller.unary(KVService.deleteRange, message, plan));
    return { revision: answer.revision, deleted: answer.deleted, previous: answer.previous };
  }

  txn(): Txn {
    return new Txn((request, options) => this.#txn(request, options));
  }

  watch(target: Target, options: WatchOptions = {}): WatchStream {
    return this.#watches.watch(() => watchedRangeOf(target), options);
  }

  grantLease(ttl: Duration, options: GrantOptions = {}): Promise<Lease> {
    return this.#leases.grant(ttl, options);
  }

  lease(id: LeaseId): Pick<Lease, 'id' | 'keepAlive' | 'timeToLive' | 'revoke'> {
    return this.#leases.handle(toLeaseId(id));
  }

  leases(options: CallOptions = {}): Promise<readonly LeaseId[]> {
    return this.#leases.list(options);
  }

  /**
   * Compacting twice does no harm: what is compacted stays so, and whoever compacts further does what was wanted here
   * too. Only that the space is free, which `physical` waits for, could not be told after a lost answer.
   */
  async compact(revision: number, options: CallOptions & { readonly physical?: boolean } = {}): Promise<void> {
    checkRevision(revision, 'revision');
    const { signal, physical = false } = options;
    const message = { revision: toInt64('revision', revision), physical };
    const asked = { what: 'compact', revision };
    if (physical) {
      await this.#reading(this.#caller.unary(KVService.compact, message, { asked, isRepeatable: false, signal }));
      return;
    }
    const memory = { mayHaveHappened: false };
    try {
      await this.#caller.repeated(KVService.compact, message, { asked, signal }, memory);
    } catch (error) {
      if (!memory.mayHaveHappened) throw await withRevisions(error, this, this.#requestTimeoutMs);
      if (hasCode(error, 'COMPACTED')) return;
      throw isPassing(error) ? new OutcomeUnknownError(asked.what, { cause: error }) : error;
    }
  }

  namespace(prefix: BytesLike): Store {
    return new NamespacedStore(this, new KeyPrefix(prefix));
  }

  async close(): Promise<void> {
    this.#sync.close();
    this.#caller.close();
    this.#watches.close();
    this.#leases.close();
    this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #txn(operation: TxnRequest, { signal }: CallOptions): Promise<TxnResult> {
    const message = toTxnMessage(operation);
    const plan = { asked: { what: 'transaction', operation }, isRepeatable: onlyReads(operation), signal };
    return fromTxnResponse(await this.#reading(this.#caller.unary(KVService.txn, message, plan)));
  }

  /** What can fail because of a revision fails with the revision to use instead. */
  async #reading<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw await withRevisions(error, this, this.#requestTimeoutMs);
    }
  }
}

/** Whether neither branch can change anything: then it is a read, of several things at one revision. */
function onlyReads({ success, failure }: TxnRequest): boolean {
  const changesNothing = (operation: Operation) =>
    operation.type === 'range' || (operation.type === 'txn' && onlyReads(operation));
  return success.every(changesNothing) && failure.every(changesNothing);
}

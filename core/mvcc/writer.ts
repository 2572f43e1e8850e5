import { assert, unreachable } from '../base/assert.js';
import { EMPTY_BYTES, fromMapKey, toMapKey } from '../base/bytes.js';
import { CompactedError, FutureRevisionError, KeyNotFoundError, LeaseNotFoundError } from '../base/errors.js';
import { type Event, type KeyValue, type LeaseId, NO_LEASE } from '../base/key-value.js';
import type {
  DeleteRequest,
  DeleteResult,
  Operation,
  OperationResult,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from '../base/operation.js';
import type { Batch } from '../backend/backend.js';
import { KeyEntry } from './key-index.js';
import type { KeyspaceState } from './keyspace-state.js';
import type { KeyVersion } from './key-version.js';
import { evaluateRange } from './range.js';
import { RevisionReading } from './reading.js';
import { encodeRecord } from './record.js';
import { type Change, Staging } from './staging.js';
import { planTxn, type TxnPlan } from './txn-plan.js';

/**
 * The one write of a revision in the making. What it does is seen by its own reads at once, and by nobody else before
 * `finish()`. A writer that is dropped, because an operation threw or for any other reason, has changed nothing.
 *
 * Requests must have passed `validate.ts`. Their bytes become the keyspace's: nobody may change them afterwards.
 */
export interface KeyspaceWriter {
  /**
   * @throws {@link KeyNotFoundError} if the key whose value or lease shall be kept does not exist
   * @throws {@link LeaseNotFoundError} if the lease does not exist
   */
  put(request: PutRequest): PutResult;
  delete(request: DeleteRequest): DeleteResult;
  /** @throws {@link CompactedError}, {@link FutureRevisionError} */
  range(request: RangeRequest): RangeResult;
  /** @throws what its operations throw; the writer must be dropped then */
  txn(request: TxnRequest): TxnResult;
  /** Makes the revision, if anything changed, and gives its events in order. The writer is used up. */
  finish(): readonly Event[];
}

export class RevisionWriter implements KeyspaceWriter {
  readonly #state: KeyspaceState;
  readonly #batch: Batch;
  readonly #leaseExists: ((lease: LeaseId) => boolean) | undefined;
  /** The revision that the write builds upon; the one that it makes comes after. */
  readonly #base: number;
  readonly #changes: Change[] = [];
  /** Made when something is read: a lone put reads only the index. */
  #staging: Staging | undefined;

  constructor(state: KeyspaceState, batch: Batch, leaseExists: ((lease: LeaseId) => boolean) | undefined) {
    this.#state = state;
    this.#batch = batch;
    this.#leaseExists = leaseExists;
    this.#base = state.revision;
  }

  put(request: PutRequest): PutResult {
    // As in etcd, a put by itself looks for its lease before its key, and one in a transaction after it.
    this.#assertLease(request);
    return this.#put(request);
  }

  delete(request: DeleteRequest): DeleteResult {
    const doomed: KeyVersion[] = [];
    this.#reading.visit(request, (version) => doomed.push(version));
    const previous = request.previous ? doomed.map((version) => this.#reading.load(version)) : [];
    for (const version of doomed) {
      const entry = version instanceof KeyEntry ? version : undefined;
      this.#changes.push({ key: version.key, kv: tombstone(version.key, this.#base + 1), entry });
    }
    return { type: 'delete', revision: this.#revision, deleted: doomed.length, previous };
  }

  range(request: RangeRequest): RangeResult {
    const asked = request.revision ?? 0;
    if (asked <= 0) return evaluateRange(request, this.#reading, this.#revision);
    this.#assertReadable(asked);
    const reading = new RevisionReading(this.#state.index, this.#state.records, asked);
    return evaluateRange(request, reading, this.#revision);
  }

  txn(request: TxnRequest): TxnResult {
    return this.#execute(planTxn(request, this.#reading));
  }

  finish(): readonly Event[] {
    if (this.#changes.length === 0) return [];
    const { index, records, revision } = this.#state;
    assert(revision === this.#base, 'one revision is made at a time');
    const main = this.#base + 1;
    records.use(this.#batch);
    const events: Event[] = [];
    for (const { key, kv, entry } of this.#changes) {
      const sub = events.length;
      records.add(main, sub, encodeRecord(kv));
      index.record(key, { main, sub }, kv, entry);
      events.push({ type: kv.version === 0 ? 'delete' : 'put', kv });
    }
    this.#state.revision = main;
    return events;
  }

  get #reading(): Staging {
    const { index, records } = this.#state;
    this.#staging ??= new Staging(index, records, this.#base, this.#changes);
    return this.#staging;
  }

  /** The store's revision as this write sees it. */
  get #revision(): number {
    return this.#changes.length > 0 ? this.#base + 1 : this.#base;
  }

  #execute({ succeeded, operations, nested }: TxnPlan): TxnResult {
    let nestedAt = 0;
    const responses = operations.map((operation) => {
      if (operation.type !== 'txn') return this.#operate(operation);
      const plan = nested[nestedAt] as TxnPlan;
      nestedAt += 1;
      return this.#execute(plan);
    });
    return { type: 'txn', revision: this.#revision, succeeded, responses };
  }

  #operate(operation: Exclude<Operation, TxnRequest>): OperationResult {
    switch (operation.type) {
      case 'range':
        // Unlike alone, a negative revision is no word for the latest here, but one that is long past.
        if (operation.revision) this.#assertReadable(operation.revision);
        return this.range(operation);
      case 'put':
        return this.#put(operation);
      case 'delete':
        return this.delete(operation);
      default:
        return unreachable(operation);
    }
  }

  #put(request: PutRequest): PutResult {
    const key = toMapKey(request.key);
    const entry = this.#state.index.get(key);
    const current = this.#changes.length > 0 ? this.#reading.current(key, entry) : entry?.isAlive ? entry : undefined;
    const isKeeping = request.ignoreValue === true || request.ignoreLease === true;
    if (isKeeping && !current) throw new KeyNotFoundError(request.key);
    this.#assertLease(request);

    const previous = current && (isKeeping || request.previous) ? this.#reading.load(current) : undefined;
    const kv: KeyValue = {
      key: request.key,
      value: previous && request.ignoreValue ? previous.value : request.value,
      createRevision: current ? current.createRevision : this.#base + 1,
      modRevision: this.#base + 1,
      version: current ? current.version + 1 : 1,
      lease: previous && request.ignoreLease ? previous.lease : (request.lease ?? NO_LEASE),
    };
    this.#changes.push({ key, kv, entry });
    return previous && request.previous
      ? { type: 'put', revision: this.#revision, previous }
      : { type: 'put', revision: this.#revision };
  }

  #assertLease({ lease = NO_LEASE }: PutRequest): void {
    if (lease !== NO_LEASE && this.#leaseExists?.(lease) === false) throw new LeaseNotFoundError(lease);
  }

  /** The revision in the making cannot be asked for by its number, whatever was changed already. */
  #assertReadable(revision: number): void {
    const { compactRevision } = this.#state;
    if (revision > this.#base) throw new FutureRevisionError(revision, this.#base);
    // A store that was never compacted counts as compacted at -1 here (etcd's own starting value).
    if (revision < (compactRevision === 0 ? -1 : compactRevision)) throw new CompactedError(revision, compactRevision);
  }
}

function tombstone(key: string, revision: number): KeyValue {
  return {
    key: fromMapKey(key),
    value: EMPTY_BYTES,
    createRevision: 0,
    modRevision: revision,
    version: 0,
    lease: NO_LEASE,
  };
}

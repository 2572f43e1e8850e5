import { compareBytes, toMapKey } from '../../base/bytes.js';
import { CompactedError, FutureRevisionError, KeyNotFoundError, LeaseNotFoundError } from '../../base/errors.js';
import { contains, everything } from '../../base/key-range.js';
import { type Event, type KeyRange, type KeyValue, type LeaseId, NO_LEASE } from '../../base/key-value.js';
import type {
  Compare,
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
} from '../../base/operation.js';

type Write = PutRequest | DeleteRequest | TxnRequest;

/**
 * The keyspace as its rules are written down, with little thought of speed: a list of everything that ever happened, from
 * which questions about the past are answered anew, and the keys as they are now.
 */
export class KeyspaceModel {
  revision = 1;
  compactRevision = 0;
  readonly #past: Event[] = [];
  /** The keys that there are now. */
  readonly #present: State = new Map();
  /** What the write under way did so far, and the keys that it changed, as they were. */
  #making: Event[] = [];
  #undo: [key: string, before: KeyValue | undefined][] = [];
  readonly #leaseExists: (lease: LeaseId) => boolean;

  constructor(leaseExists: (lease: LeaseId) => boolean = () => true) {
    this.#leaseExists = leaseExists;
  }

  write(request: Write): { result: OperationResult; events: readonly Event[] } {
    try {
      const result = this.#operate(request, request.type === 'txn' ? this.#decide(request) : []);
      const events = this.#making;
      if (events.length > 0) this.revision += 1;
      this.#past.push(...events);
      this.#undo = [];
      return { result, events };
    } finally {
      for (const [key, before] of this.#undo.splice(0).reverse()) set(this.#present, key, before);
      this.#making = [];
    }
  }

  range(request: RangeRequest): RangeResult {
    const { revision = 0 } = request;
    if (revision > this.revision) throw new FutureRevisionError(revision, this.revision);
    if (revision > 0 && revision < this.compactRevision) throw new CompactedError(revision, this.compactRevision);
    return this.#range(request, revision > 0 ? this.#stateAt(revision) : this.#present);
  }

  compact(revision: number): void {
    const isAfter = this.compactRevision === 0 ? revision >= 0 : revision > this.compactRevision;
    if (!isAfter) throw new CompactedError(revision, this.compactRevision);
    if (revision > this.revision) throw new FutureRevisionError(revision, this.revision);
    this.compactRevision = revision;
  }

  history(fromRevision: number, target: KeyRange): readonly Event[] {
    if (fromRevision < this.compactRevision) throw new CompactedError(fromRevision, this.compactRevision);
    return this.#past.filter(({ kv }) => kv.modRevision >= fromRevision && contains(target, kv.key));
  }

  previous(key: Uint8Array, before: number): KeyValue | undefined {
    if (before - 1 < this.compactRevision) return undefined;
    return this.#stateAt(before - 1).get(toMapKey(key));
  }

  leasedKeys(): KeyValue[] {
    return matching(this.#present, everything()).filter(({ lease }) => lease !== 0n);
  }

  /** How many records a finished scrub leaves. */
  recordCount(): number {
    return this.#past.filter((event, at) => {
      if (event.type === 'delete') return event.kv.modRevision >= this.compactRevision;
      const next = this.#past.slice(at + 1).find(({ kv }) => compareBytes(kv.key, event.kv.key) === 0);
      return !next || next.kv.modRevision > this.compactRevision;
    }).length;
  }

  /** Whether one revision deleted a key twice. A scrub may then leave what it deleted for the next compaction. */
  hasDeletedTwice(): boolean {
    const deletions = this.#past.filter(({ type }) => type === 'delete');
    return new Set(deletions.map(({ kv }) => `${kv.modRevision} ${toMapKey(kv.key)}`)).size < deletions.length;
  }

  // --- One operation of a write; `taken` are the decisions of the transactions that it is or nests, in order -----

  #operate(operation: Operation, taken: boolean[]): OperationResult {
    switch (operation.type) {
      case 'range':
        return this.#rangeInTxn(operation);
      case 'put':
        return this.#put(operation);
      case 'delete':
        return this.#delete(operation);
      case 'txn':
        return this.#txn(operation, taken);
    }
  }

  #decide(request: TxnRequest): boolean[] {
    const succeeded = request.compares.every((compare) => this.#holds(compare));
    const branch = succeeded ? request.success : request.failure;
    return [succeeded, ...branch.flatMap((operation) => (operation.type === 'txn' ? this.#decide(operation) : []))];
  }

  #holds(compare: Compare): boolean {
    const found = matching(this.#present, compare);
    if (found.length === 0 && compare.target === 'value') return false;
    const absent = { version: 0, createRevision: 0, modRevision: 0, lease: 0n };
    return (found.length > 0 ? found : [absent]).every((kv) => {
      const actual =
        compare.target === 'value' ? compareBytes((kv as KeyValue).value, compare.operand) : kv[compare.target];
      const operand = compare.target === 'value' ? 0 : compare.operand;
      return {
        equal: actual === operand,
        notEqual: actual !== operand,
        greater: actual > operand,
        less: actual < operand,
      }[compare.result];
    });
  }

  #txn(request: TxnRequest, taken: boolean[]): TxnResult {
    const succeeded = taken.shift() as boolean;
    const responses = (succeeded ? request.success : request.failure).map((operation) =>
      this.#operate(operation, taken),
    );
    return { type: 'txn', revision: this.#revisionNow(), succeeded, responses };
  }

  #put(request: PutRequest): PutResult {
    const before = this.#present.get(toMapKey(request.key));
    if ((request.ignoreValue || request.ignoreLease) && !before) throw new KeyNotFoundError(request.key);
    const { lease = NO_LEASE } = request;
    if (lease !== NO_LEASE && !this.#leaseExists(lease)) throw new LeaseNotFoundError(lease);
    const kv: KeyValue = {
      key: request.key,
      value: request.ignoreValue ? (before as KeyValue).value : request.value,
      createRevision: before?.createRevision ?? this.revision + 1,
      modRevision: this.revision + 1,
      version: (before?.version ?? 0) + 1,
      lease: request.ignoreLease ? (before as KeyValue).lease : lease,
    };
    this.#make({ type: 'put', kv });
    return { type: 'put', revision: this.revision + 1, ...(request.previous && before && { previous: before }) };
  }

  #delete(request: DeleteRequest): DeleteResult {
    const doomed = matching(this.#present, request);
    for (const { key } of doomed) {
      const gone = {
        key,
        value: new Uint8Array(0),
        createRevision: 0,
        modRevision: this.revision + 1,
        version: 0,
        lease: 0n,
      };
      this.#make({ type: 'delete', kv: gone });
    }
    return {
      type: 'delete',
      revision: this.#revisionNow(),
      deleted: doomed.length,
      previous: request.previous ? doomed : [],
    };
  }

  #rangeInTxn(request: RangeRequest): RangeResult {
    const { revision = 0 } = request;
    const oldest = this.compactRevision === 0 ? -1 : this.compactRevision;
    if (revision !== 0 && revision > this.revision) throw new FutureRevisionError(revision, this.revision);
    if (revision !== 0 && revision < oldest) throw new CompactedError(revision, this.compactRevision);
    return this.#range(request, revision > 0 ? this.#stateAt(revision) : this.#present);
  }

  #range(request: RangeRequest, state: State): RangeResult {
    const inRange = matching(state, request);
    const answer = { type: 'range', revision: this.#revisionNow(), count: inRange.length } as const;
    if (request.countOnly) return { ...answer, kvs: [], more: false };
    let kvs = inRange
      .filter((kv) => !request.maxModRevision || kv.modRevision <= request.maxModRevision)
      .filter((kv) => !request.minModRevision || kv.modRevision >= request.minModRevision)
      .filter((kv) => !request.maxCreateRevision || kv.createRevision <= request.maxCreateRevision)
      .filter((kv) => !request.minCreateRevision || kv.createRevision >= request.minCreateRevision);
    const target = request.sortTarget ?? 'key';
    const sign = request.sortOrder === 'descend' ? -1 : 1;
    kvs.sort((a, b) => {
      if (target === 'key' || target === 'value') return sign * compareBytes(a[target], b[target]);
      return sign * (a[target] - b[target]);
    });
    const limit = request.limit && request.limit > 0 ? request.limit : kvs.length;
    const more = kvs.length > limit;
    kvs = kvs.slice(0, limit);
    return { ...answer, kvs: request.keysOnly ? kvs.map((kv) => ({ ...kv, value: new Uint8Array(0) })) : kvs, more };
  }

  #revisionNow(): number {
    return this.#making.length > 0 ? this.revision + 1 : this.revision;
  }

  #make(event: Event): void {
    const key = toMapKey(event.kv.key);
    this.#undo.push([key, this.#present.get(key)]);
    this.#making.push(event);
    change(this.#present, event);
  }

  #stateAt(revision: number): State {
    const state: State = new Map();
    for (const event of this.#past) if (event.kv.modRevision <= revision) change(state, event);
    return state;
  }
}

type State = Map<string, KeyValue>;

function change(state: State, { type, kv }: Event): void {
  set(state, toMapKey(kv.key), type === 'put' ? kv : undefined);
}

function set(state: State, key: string, kv: KeyValue | undefined): void {
  if (kv === undefined) state.delete(key);
  else state.set(key, kv);
}

/** The keys of a range, in order. */
function matching(state: State, target: KeyRange): KeyValue[] {
  if (target.end === undefined) {
    const kv = state.get(toMapKey(target.key));
    return kv === undefined ? [] : [kv];
  }
  const found: KeyValue[] = [];
  for (const kv of state.values()) if (contains(target, kv.key)) found.push(kv);
  return found.sort((a, b) => compareBytes(a.key, b.key));
}

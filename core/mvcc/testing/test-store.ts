import { toBytes, toText } from '../../base/bytes.js';
import { key as oneKey } from '../../base/key-range.js';
import type { Event, KeyRange, KeyValue } from '../../base/key-value.js';
import type {
  Compare,
  DeleteResult,
  Operation,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from '../../base/operation.js';
import type { Backend, Batch } from '../../backend/backend.js';
import { openMemoryBackend } from '../../backend/memory-backend.js';
import { Keyspace } from '../keyspace.js';
import type { KeyspaceWriter } from '../writer.js';

/** A keyspace for tests, spoken to in text. Each write is a revision and a batch of its own. */
export class TestStore {
  keyspace: Keyspace;
  /** What the last write did. */
  events: readonly Event[] = [];

  constructor(readonly backend: Backend = openMemoryBackend()) {
    this.keyspace = Keyspace.open(backend);
  }

  get revision(): number {
    return this.keyspace.revision;
  }

  put(key: string, value: string, options: Partial<PutRequest> = {}): PutResult {
    return this.write((writer) => writer.put(put(key, value, options)));
  }

  delete(target: string | KeyRange, previous = false): DeleteResult {
    return this.write((writer) => writer.delete({ ...remove(target), previous }));
  }

  txn(request: Partial<TxnRequest>): TxnResult {
    return this.write((writer) => writer.txn(txn(request)));
  }

  get(key: string, revision = 0): KeyValue | undefined {
    return this.range(key, { revision }).kvs[0];
  }

  range(target: string | KeyRange, options: Partial<RangeRequest> = {}): RangeResult {
    return this.keyspace.range({ ...get(target), ...options });
  }

  compact(revision: number): void {
    this.backend.write((batch) => this.keyspace.compact(revision, batch));
  }

  /** Frees all that compaction left. */
  scrub(): void {
    let isMoreLeft = true;
    while (isMoreLeft) this.backend.write((batch) => (isMoreLeft = this.keyspace.scrub(batch, 100)));
  }

  reopen(): void {
    this.keyspace = Keyspace.open(this.backend);
  }

  /** Every record in the backend, as `main.sub`. */
  records(): string[] {
    return [...this.backend.scan('history')].map(([key]) => {
      const revision = Buffer.from(key);
      return `${revision.readBigUInt64BE(0)}.${revision.readBigUInt64BE(8)}`;
    });
  }

  /** One write in a batch of its own. If it throws, the writer is dropped and the batch written as it is. */
  write<R>(operate: (writer: KeyspaceWriter) => R): R {
    let outcome: { readonly result: R } | { readonly error: unknown } | undefined;
    this.backend.write((batch: Batch) => {
      const writer = this.keyspace.begin(batch);
      try {
        const result = operate(writer);
        this.events = writer.finish();
        outcome = { result };
      } catch (error) {
        outcome = { error };
      }
    });
    if (outcome && 'result' in outcome) return outcome.result;
    throw outcome?.error;
  }
}

export function put(key: string, value: string, options: Partial<PutRequest> = {}): PutRequest {
  return { type: 'put', key: toBytes(key), value: toBytes(value), ...options };
}

export function get(target: string | KeyRange, options: Partial<RangeRequest> = {}): RangeRequest {
  return { type: 'range', ...toRange(target), ...options };
}

export function remove(target: string | KeyRange): Extract<Operation, { type: 'delete' }> {
  return { type: 'delete', ...toRange(target) };
}

export function txn(request: Partial<TxnRequest>): TxnRequest {
  return { type: 'txn', compares: [], success: [], failure: [], ...request };
}

export function compare(
  target: string | KeyRange,
  of: Compare['target'],
  result: Compare['result'],
  operand: string | number | bigint,
): Compare {
  return {
    ...toRange(target),
    target: of,
    result,
    operand: typeof operand === 'string' ? toBytes(operand) : operand,
  } as Compare;
}

/** `key=value`, as most tests want to see it. */
export function show(kvs: readonly KeyValue[]): string {
  return kvs.map((kv) => `${toText(kv.key)}=${toText(kv.value)}`).join(' ');
}

/** `+key=value@revision` for a put, `-key@revision` for a deletion. */
export function showEvents(events: readonly Event[]): string {
  return events
    .map(({ type, kv }) =>
      type === 'put'
        ? `+${toText(kv.key)}=${toText(kv.value)}@${kv.modRevision}`
        : `-${toText(kv.key)}@${kv.modRevision}`,
    )
    .join(' ');
}

function toRange(target: string | KeyRange): KeyRange {
  return typeof target === 'string' ? oneKey(target) : target;
}

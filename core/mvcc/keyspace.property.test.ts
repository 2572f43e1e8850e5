import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromMapKey, toMapKey } from '../base/bytes.js';
import { everything, fromKey, key as oneKey, prefix, range } from '../base/key-range.js';
import type { Event, KeyRange, KeyValue } from '../base/key-value.js';
import type { Compare, DeleteRequest, Operation, PutRequest, RangeRequest, TxnRequest } from '../base/operation.js';
import type { Backend, Batch } from '../backend/backend.js';
import { openLmdbBackend } from '../backend/lmdb-backend.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { Keyspace } from './keyspace.js';
import { KeyspaceModel } from './testing/keyspace-model.js';
import { validateTxn } from './validate.js';

type Write = PutRequest | DeleteRequest | TxnRequest;
type Step =
  | { readonly type: 'write'; readonly writes: readonly Write[] }
  | { readonly type: 'compact'; readonly behind: number }
  | { readonly type: 'scrub'; readonly max: number }
  | { readonly type: 'reopen' }
  | { readonly type: 'flush' }
  | RangeRequest
  | { readonly type: 'history'; readonly from: number; readonly max: number; readonly target: KeyRange }
  | { readonly type: 'previous'; readonly key: Uint8Array; readonly before: number };

// Few keys, so that they meet; one that is a prefix of others, and bytes that are no text.
const key = fc.constantFrom('a', 'aa', 'ab', 'b', 'b\0', '\xff', '\xff\xff').map(fromMapKey);
const value = fc.constantFrom('', 'x', 'y', 'zz').map(fromMapKey);
const lease = fc.constantFrom(0n, 0n, 5n, -9n);
const revision = fc.oneof(fc.constant(0), fc.integer({ min: -2, max: 24 }));
const target: fc.Arbitrary<KeyRange> = fc.oneof(
  key.map(oneKey),
  fc.constantFrom('', 'a', '\xff').map((start) => prefix(fromMapKey(start))),
  fc.tuple(key, key).map(([start, end]) => range(start, end)),
  key.map(fromKey),
  fc.constant(everything()),
);

const put: fc.Arbitrary<PutRequest> = fc.record(
  {
    type: fc.constant('put' as const),
    key,
    value,
    lease,
    previous: fc.boolean(),
    ignoreValue: fc.boolean(),
    ignoreLease: fc.boolean(),
  },
  { requiredKeys: ['type', 'key', 'value'] },
);
const remove: fc.Arbitrary<DeleteRequest> = fc
  .tuple(target, fc.boolean())
  .map(([keys, previous]) => ({ type: 'delete', ...keys, previous }));
const get: fc.Arbitrary<RangeRequest> = fc
  .tuple(
    target,
    fc.record(
      {
        limit: fc.integer({ min: -1, max: 4 }),
        revision,
        sortTarget: fc.constantFrom('key', 'version', 'createRevision', 'modRevision', 'value'),
        sortOrder: fc.constantFrom('none', 'ascend', 'descend'),
        keysOnly: fc.boolean(),
        countOnly: fc.boolean(),
        minModRevision: revision,
        maxModRevision: revision,
        minCreateRevision: revision,
        maxCreateRevision: revision,
      },
      { requiredKeys: [] },
    ),
  )
  .map(([keys, options]) => ({ type: 'range', ...keys, ...options }));
const compare: fc.Arbitrary<Compare> = fc
  .tuple(
    target,
    fc.constantFrom('equal', 'greater', 'less', 'notEqual'),
    fc.oneof(
      fc.tuple(fc.constantFrom('version', 'createRevision', 'modRevision'), fc.integer({ min: 0, max: 12 })),
      fc.tuple(fc.constant('lease'), lease),
      fc.tuple(fc.constant('value'), value),
    ),
  )
  .map(([keys, result, [of, operand]]) => ({ ...keys, result, target: of, operand }) as Compare);

const { txn } = fc.letrec<{ txn: TxnRequest; operation: Operation }>((tie) => ({
  txn: fc.record({
    type: fc.constant('txn' as const),
    compares: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie('operation'), { maxLength: 4 }),
    failure: fc.array(tie('operation'), { maxLength: 3 }),
  }),
  operation: fc.oneof(
    { maxDepth: 2 },
    { arbitrary: put, weight: 4 },
    { arbitrary: remove, weight: 2 },
    { arbitrary: get, weight: 3 },
    { arbitrary: tie('txn'), weight: 2 },
  ),
}));
const write: fc.Arbitrary<Write> = fc.oneof(
  put.filter(
    (request) => !(request.ignoreValue && request.value.length > 0) && !(request.ignoreLease && request.lease),
  ),
  remove,
  txn.filter(isValid),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.array(write, { minLength: 1, maxLength: 3 }).map((writes) => ({ type: 'write' as const, writes })),
    weight: 8,
  },
  { arbitrary: get, weight: 4 },
  {
    arbitrary: fc.record({ type: fc.constant('compact' as const), behind: fc.integer({ min: -1, max: 4 }) }),
    weight: 1,
  },
  { arbitrary: fc.record({ type: fc.constant('scrub' as const), max: fc.integer({ min: 0, max: 5 }) }), weight: 2 },
  { arbitrary: fc.constantFrom({ type: 'reopen' as const }, { type: 'flush' as const }), weight: 2 },
  {
    arbitrary: fc.record({
      type: fc.constant('history' as const),
      from: fc.integer({ min: 0, max: 24 }),
      max: fc.integer({ min: 1, max: 5 }),
      target,
    }),
    weight: 2,
  },
  {
    arbitrary: fc.record({ type: fc.constant('previous' as const), key, before: fc.integer({ min: 1, max: 24 }) }),
    weight: 2,
  },
);
const steps = fc.array(step, { minLength: 1, maxLength: 25 });

const folder = mkdtempSync(join(tmpdir(), 'conclave-mvcc-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a keyspace in memory answers as the model of its rules does', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      await run(script, openMemoryBackend());
    }),
    { seed: 20_260_817, numRuns: 400 },
  );
});

it('a keyspace on LMDB answers as the model of its rules does', async () => {
  let opened = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      opened += 1;
      await run(script, openLmdbBackend({ path: join(folder, `${opened}`) }));
    }),
    { seed: 20_260_818, numRuns: 40 },
  );
});

async function run(script: readonly Step[], backend: Backend): Promise<void> {
  const pair = new Pair(backend);
  try {
    for (const next of script) await pair.take(next);
    pair.compareEverything();
  } finally {
    await backend.close();
  }
}

/** The model and the store, asked the same. */
class Pair {
  readonly model = new KeyspaceModel();
  keyspace: Keyspace;

  constructor(readonly backend: Backend) {
    this.keyspace = Keyspace.open(backend);
  }

  async take(next: Step): Promise<void> {
    switch (next.type) {
      case 'write':
        return this.backend.write((batch) => next.writes.forEach((request) => this.write(request, batch)));
      case 'compact':
        return this.backend.write((batch) =>
          same(
            () => this.keyspace.compact(this.keyspace.revision - next.behind, batch),
            () => this.model.compact(this.model.revision - next.behind),
          ),
        );
      case 'scrub':
        return this.backend.write((batch) => void this.keyspace.scrub(batch, next.max));
      case 'reopen':
        this.keyspace = Keyspace.open(this.backend);
        return;
      case 'flush':
        return this.backend.flush();
      case 'range':
        return same(
          () => this.keyspace.range(next),
          () => this.model.range(next),
        );
      case 'history':
        return this.compareHistory(next.from, next.max, next.target);
      case 'previous':
        return same(
          () => this.keyspace.previous(next.key, next.before),
          () => this.model.previous(next.key, next.before),
        );
    }
  }

  write(request: Write, batch: Batch): void {
    same(
      () => {
        const writer = this.keyspace.begin(batch);
        const result =
          request.type === 'put'
            ? writer.put(request)
            : request.type === 'delete'
              ? writer.delete(request)
              : writer.txn(request);
        return { result, events: writer.finish() };
      },
      () => this.model.write(request),
    );
    expect(this.keyspace.revision).toBe(this.model.revision);
  }

  /** Reads history in pieces of `max` revisions to its end. */
  compareHistory(from: number, max: number, target: KeyRange): void {
    same(
      () => {
        const events: Event[] = [];
        for (let next = from; next <= this.keyspace.revision;) {
          const { batches, nextRevision } = this.keyspace.history({ fromRevision: next, revisionsMax: max, target });
          expect(batches.every((batch) => batch.events.every(({ kv }) => kv.modRevision === batch.revision))).toBe(
            true,
          );
          expect(nextRevision).toBeGreaterThan(next);
          events.push(...batches.flatMap((batch) => batch.events));
          next = nextRevision;
        }
        if (from > this.keyspace.revision) this.keyspace.history({ fromRevision: from, revisionsMax: max, target });
        return this.lastPerKeyAtCompaction(events);
      },
      () => this.lastPerKeyAtCompaction(this.model.history(from, target)),
    );
  }

  compareEverything(): void {
    for (let at = Math.max(1, this.keyspace.compactRevision); at <= this.keyspace.revision; at += 1) {
      const request: RangeRequest = { type: 'range', ...everything(), revision: at };
      same(
        () => this.keyspace.range(request),
        () => this.model.range(request),
      );
    }
    this.compareHistory(this.keyspace.compactRevision, 2, everything());
    const leased = [...this.keyspace.leasedKeys()].map(([name, id]) => `${toMapKey(name)}:${id}`);
    expect(leased.sort()).toEqual(
      this.model
        .leasedKeys()
        .map((kv) => `${toMapKey(kv.key)}:${kv.lease}`)
        .sort(),
    );
    let isMoreLeft = true;
    while (isMoreLeft) this.backend.write((batch) => (isMoreLeft = this.keyspace.scrub(batch, 3)));
    if (this.model.hasDeletedTwice()) return;
    expect([...this.backend.scan('history')]).toHaveLength(this.model.recordCount());
  }

  /** Of the compact revision itself only what it left of each key is kept. */
  lastPerKeyAtCompaction(events: readonly Event[]): Event[] {
    return events.filter(
      ({ kv }, at) =>
        kv.modRevision !== this.model.compactRevision ||
        !events.some((later, laterAt) => laterAt > at && isSameChange(later.kv, kv)),
    );
  }
}

function isSameChange(a: KeyValue, b: KeyValue): boolean {
  return a.modRevision === b.modRevision && toMapKey(a.key) === toMapKey(b.key);
}

function same(actual: () => unknown, expected: () => unknown): void {
  expect(outcome(actual)).toEqual(outcome(expected));
}

function outcome(run: () => unknown): unknown {
  try {
    return plain(run());
  } catch (error) {
    if (!(error as { code?: string }).code) throw error;
    return { code: (error as { code: string }).code, message: (error as Error).message };
  }
}

/** Bytes as text, so that a Buffer equals any other array of the same bytes. */
function plain(from: unknown): unknown {
  if (from instanceof Uint8Array) return toMapKey(from);
  if (Array.isArray(from)) return from.map(plain);
  if (typeof from !== 'object' || from === null) return from;
  return Object.fromEntries(Object.entries(from).map(([name, item]) => [name, plain(item)]));
}

function isValid(request: TxnRequest): boolean {
  try {
    validateTxn(request);
    return true;
  } catch {
    return false;
  }
}

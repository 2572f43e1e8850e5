import { beforeEach, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { toBytes } from '../base/bytes.js';
import { prefix } from '../base/key-range.js';
import type { Operation, TxnRequest } from '../base/operation.js';
import { encodeCommand } from '../machine/codec.js';
import { Machine } from '../machine/machine.js';
import type { Command } from '../machine/types.js';
import type { PrefixQuota } from './prefix-options.js';
import { PrefixQuotas } from './prefix-quotas.js';
import { PrefixUsage } from './prefix-usage.js';

let machine: Machine;

beforeEach(() => {
  machine = Machine.open(openMemoryBackend(), { watch: { queueEventsMax: 10, catchUpRevisionsMax: 10 } });
  for (const key of ['jobs/1', 'jobs/2', 'other']) apply(put(key, 'four'));
});

function apply(command: Command): void {
  machine.applyAll([
    { index: machine.appliedIndex + 1, term: 1, data: encodeCommand(command), kind: 'normal' } as never,
  ]);
}

function put(key: string, value: string, more: object = {}): Extract<Operation, { type: 'put' }> {
  return { type: 'put', key: toBytes(key), value: toBytes(value), ...more };
}

const remove = (key: string): Operation => ({ type: 'delete', key: toBytes(key) });
const txn = (success: readonly Operation[], failure: readonly Operation[] = []): TxnRequest => ({
  type: 'txn',
  compares: [],
  success,
  failure,
});

/** Two keys of 10 bytes each are there. */
function refusal(operation: Operation, ...quotas: PrefixQuota[]) {
  const usage = new PrefixUsage(
    machine.keyspace,
    quotas.map(({ prefix: start }) => start),
  );
  while (usage.count(10));
  return new PrefixQuotas(quotas).refusal(operation, machine.keyspace, usage);
}

const KEYS: PrefixQuota = { prefix: 'jobs/', keysMax: 2 };
const BYTES: PrefixQuota = { prefix: 'jobs/', bytesMax: 30 };

test('one key or byte past the quota is refused, and says which', () => {
  expect(refusal(put('jobs/3', ''), { ...KEYS, keysMax: 3 })).toBeUndefined();
  expect(refusal(put('jobs/3', ''), KEYS)).toMatchObject({
    ...{ code: 'PREFIX_QUOTA_EXCEEDED', retry: 'never', prefix: 'jobs/', unit: 'keys', used: 2, limit: 2 },
    message: 'no room under "jobs/": 2 of at most 2 keys are used',
  });
  expect(refusal(put('jobs/3', 'four'), BYTES)).toBeUndefined();
  expect(refusal(put('jobs/3', 'fives'), BYTES)).toMatchObject({ unit: 'bytes', used: 20, limit: 30 });
});

test.each<[string, Operation]>([
  ['another key', put('other/1', 'x'.repeat(100))],
  ['an overwriting with as much', put('jobs/1', 'FOUR')],
  ['an overwriting with less', put('jobs/1', '')],
  ['another lease for the same value', put('jobs/1', '', { ignoreValue: true })],
  ['a deletion', remove('jobs/1')],
  ['a deletion of all', { type: 'delete', ...prefix('jobs/') }],
  ['a move', txn([remove('jobs/1'), put('jobs/9', 'four')])],
  ['reading', { type: 'range', ...prefix('jobs/') }],
])('%s is taken where there is no room, even where there is too much', (_, operation) => {
  expect(refusal(operation, KEYS, { prefix: '', bytesMax: 1_000 })).toBeUndefined();
  expect(refusal(operation, { prefix: 'jobs/', keysMax: 1, bytesMax: 1 })).toBeUndefined();
});

test('an overwriting counts as the difference', () => {
  expect(refusal(put('jobs/1', 'x'.repeat(14)), BYTES)).toBeUndefined();
  expect(refusal(put('jobs/1', 'x'.repeat(15)), BYTES)).toMatchObject({ used: 20 });
});

test('of a transaction the dearer branch counts, with what is nested in it', () => {
  const nested = txn([put('jobs/3', ''), put('jobs/4', '')]);
  expect(refusal(txn([put('other', '')], [nested]), { ...KEYS, keysMax: 3 })).toMatchObject({ unit: 'keys' });
  expect(refusal(txn([put('other', '')], [nested]), { ...KEYS, keysMax: 4 })).toBeUndefined();
});

test('every quota that fits a key counts', () => {
  const outer = { prefix: '', keysMax: 3 };
  expect(refusal(put('jobs/3', ''), { ...KEYS, keysMax: 10 }, outer)).toMatchObject({ prefix: '', used: 3 });
  expect(refusal(put('new', ''), KEYS, outer)).toMatchObject({ prefix: '', used: 3 });
});

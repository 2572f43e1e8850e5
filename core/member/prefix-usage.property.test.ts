import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { fromMapKey, toBytes } from '../base/bytes.js';
import { everything, prefix } from '../base/key-range.js';
import type { Operation, TxnRequest } from '../base/operation.js';
import { encodeCommand } from '../machine/codec.js';
import { Machine } from '../machine/machine.js';
import type { Command } from '../machine/types.js';
import { validateTxn } from '../mvcc/validate.js';
import { get } from '../txn.js';
import { PrefixUsage } from './prefix-usage.js';

const PREFIXES = ['', 'a', 'a/', 'b', '\u00ff'];
const WATCH = { queueEventsMax: 100, catchUpRevisionsMax: 100 };

const key = fc.constantFrom('a', 'a/', 'a/1', 'a/2', 'aa', 'b', 'b/1', 'c').map(toBytes);
const value = fc.constantFrom('', 'x', 'yy', 'zzzz').map(toBytes);
const put = fc
  .record({ key, value, lease: fc.constantFrom(0n, 0n, 7n), ignoreValue: fc.boolean() })
  .map((fields): Operation => ({ type: 'put', ...fields, value: fields.ignoreValue ? toBytes('') : fields.value }));
const remove = fc.oneof(
  key.map((one): Operation => ({ type: 'delete', key: one })),
  fc.constantFrom('a', 'a/', 'b').map((start): Operation => ({ type: 'delete', ...prefix(start) })),
);
const txn = fc
  .tuple(key, fc.array(fc.oneof(put, remove), { maxLength: 4 }), fc.array(fc.oneof(put, remove), { maxLength: 4 }))
  .map(([compared, success, failure]): TxnRequest => ({
    type: 'txn',
    compares: [{ key: compared, target: 'version', result: 'greater', operand: 0 }],
    success,
    failure,
  }))
  .filter(isValid);
type Step = { readonly type: 'apply'; readonly commands: readonly Command[] } | { readonly type: 'count' };
const command: fc.Arbitrary<Command> = fc.oneof(
  put.map((operation) => operation as Command),
  remove.map((operation) => operation as Command),
  txn,
  fc.constant<Command>({ type: 'leaseGrant', id: 7n, ttlSeconds: 60 }),
  fc.constant<Command>({ type: 'leaseRevoke', id: 7n }),
  fc.integer({ min: 1, max: 30 }).map((revision): Command => ({ type: 'compact', revision })),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.array(command, { minLength: 1, maxLength: 6 }).map((commands): Step => ({ type: 'apply', commands })),
  fc.constant<Step>({ type: 'count' }),
);

/** What is not never gets into the log. */
function isValid(request: TxnRequest): boolean {
  try {
    validateTxn(request);
    return true;
  } catch {
    return false;
  }
}

function counted(machine: Machine): object {
  const { kvs } = machine.range(get(everything()));
  return PREFIXES.map((start) => {
    const under = kvs.filter((kv) =>
      Buffer.from(kv.key).subarray(0, Buffer.byteLength(start)).equals(Buffer.from(start)),
    );
    const bytes = under.reduce((sum, kv) => sum + kv.key.length + kv.value.length, 0);
    return { start, keys: under.length, bytes };
  });
}

function told(usage: PrefixUsage): object {
  return PREFIXES.map((start) => ({ start, keys: usage.of(start).keys, bytes: usage.of(start).bytes }));
}

test('what is counted is what there is, whatever was written before, while and after it was counted', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 15 }), fc.array(step, { maxLength: 25 }), (before, steps) => {
      const machine = Machine.open(openMemoryBackend(), { watch: WATCH });
      const apply = (commands: readonly Command[]) => {
        const first = machine.appliedIndex + 1;
        machine.applyAll(
          commands.map(
            (one, at) => ({ index: first + at, term: 1, data: encodeCommand(one), kind: 'normal' }) as never,
          ),
        );
      };
      apply(before);
      const usage = new PrefixUsage(machine.keyspace, PREFIXES);
      machine.onWritten = (events) => usage.applied(events);

      for (const one of steps) {
        if (one.type === 'apply') apply(one.commands);
        else usage.count(2);
        if (usage.isCounted) expect(told(usage)).toEqual(counted(machine));
      }
      while (usage.count(2));

      expect(usage.isCounted).toBe(true);
      expect(told(usage)).toEqual(counted(machine));
    }),
    { numRuns: 400, seed: 43 },
  );
});

test('prefixes without a key in common are counted one after the other, each key once', () => {
  const machine = Machine.open(openMemoryBackend(), { watch: WATCH });
  const puts = ['x', 'b/1', 'a/1', 'a/2', 'c'].map((name) => ({
    type: 'put',
    key: toBytes(name),
    value: fromMapKey('v'),
  }));
  machine.applyAll(
    puts.map((one, at) => ({ index: at + 1, term: 1, data: encodeCommand(one as Command), kind: 'normal' }) as never),
  );
  const usage = new PrefixUsage(machine.keyspace, ['b/', 'a/', 'a/1']);

  expect(usage.of('a/')).toMatchObject({ keys: 0, bytes: 0 });
  while (usage.count(1));

  expect(usage.of('a/')).toMatchObject({ keys: 2, bytes: 8 });
  expect(usage.of('a/1')).toMatchObject({ keys: 1, bytes: 4 });
  expect(usage.of('b/')).toMatchObject({ keys: 1, bytes: 4 });
});

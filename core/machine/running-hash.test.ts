import { describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { toBytes } from '../base/bytes.js';
import { put } from '../txn.js';
import { encodeCommand } from './codec.js';
import { Machine } from './machine.js';
import { RECENT_HASHES } from './recent-hashes.js';
import { RunningHash } from './running-hash.js';
import type { Command, LogEntry } from './types.js';

const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };

type Change = readonly [key: string, value: string | undefined];

/** The hash after entries of these changes. */
function hashOf(...entries: readonly (readonly Change[])[]): number {
  const hash = new RunningHash(0);
  entries.forEach((changes, at) => {
    for (const [key, value] of changes)
      hash.change('history', toBytes(key), value === undefined ? undefined : toBytes(value));
    hash.endEntry(at + 1, 1);
  });
  return hash.value;
}

describe('the running hash', () => {
  test('is the same number for ever', () => {
    expect([hashOf(), hashOf([]), hashOf([['a', '1']], [['a', undefined]])]).toEqual([
      0, 6_373_115_619_257_209, 5_608_040_723_936_100,
    ]);
  });

  test('goes on from the number that was kept', () => {
    const first = new RunningHash(0);
    first.change('lease', toBytes('a'), toBytes('b'));
    first.endEntry(1, 1);
    const second = new RunningHash(first.value);
    for (const hash of [first, second]) {
      hash.change('meta', toBytes('long key'), toBytes('value'));
      hash.endEntry(2, 2 ** 40);
    }
    expect(second.value).toBe(first.value);
    expect(Number.isSafeInteger(first.value)).toBe(true);
  });

  test.each<[string, Change[][], Change[][]]>([
    ['two changes swapped', [[['a', '1'], ['b', '2']]], [[['b', '2'], ['a', '1']]]], // prettier-ignore
    ['two entries swapped', [[['a', '1']], [['b', '2']]], [[['b', '2']], [['a', '1']]]],
    ['two values swapped', [[['a', '1'], ['b', '2']]], [[['a', '2'], ['b', '1']]]], // prettier-ignore
    ['a byte moved from key to value', [[['ab', 'c']]], [[['a', 'bc']]]],
    ['a zero byte more', [[['a', 'b']]], [[['a', 'b\0']]]],
    ['an empty value for none', [[['a', '']]], [[['a', undefined]]]],
    ['a change moved to the next entry', [[['a', '1'], ['b', '2']], []], [[['a', '1']], [['b', '2']]]], // prettier-ignore
    ['an entry more', [[['a', '1']]], [[['a', '1']], []]],
    ['words swapped within a value', [[['a', '11112222']]], [[['a', '22221111']]]],
  ])('differs with %s', (_, a, b) => {
    expect(hashOf(...a)).not.toBe(hashOf(...b));
  });

  test('differs with the table, the index and the term', () => {
    const values = [
      ['history', 1, 1],
      ['lease', 1, 1],
      ['meta', 1, 1],
      ['meta', 2, 1],
      ['meta', 1, 2],
      ['meta', 1 + 2 ** 32, 1],
    ] as const;
    const hashes = values.map(([table, index, term]) => {
      const hash = new RunningHash(0);
      hash.change(table, toBytes('k'), undefined);
      hash.endEntry(index, term);
      return hash.value;
    });
    expect(new Set(hashes).size).toBe(values.length);
  });

  test('differs with every single bit, and every pair of bits, of a value', () => {
    const hashes = new Set<number>();
    let count = 0;
    const value = new Uint8Array(20);
    const add = () => {
      const hash = new RunningHash(0);
      hash.change('history', toBytes('key'), value);
      hash.endEntry(1, 1);
      hashes.add(hash.value);
      count += 1;
    };
    const flip = (bit: number) => void (value[bit >> 3]! ^= 1 << (bit & 7));
    add();
    for (let first = 0; first < 160; first += 1) {
      flip(first);
      add();
      for (let second = first + 1; second < 160; second += 1) {
        flip(second);
        add();
        flip(second);
      }
      flip(first);
    }
    expect(hashes.size).toBe(count);
  });
});

describe('the hash of a state', () => {
  const entry = (index: number, command: Command): LogEntry => ({ index, term: 1, data: encodeCommand(command) });
  const puts = (first: number, count: number) =>
    Array.from({ length: count }, (_, at) => entry(first + at, put(`k${(first + at) % 7}`, `${first + at}`)));

  test('is told for each entry, however they were grouped, and kept', () => {
    const [a, b] = [openMemoryBackend(), openMemoryBackend()].map((backend) => ({
      backend,
      machine: Machine.open(backend, SETTINGS),
    })) as [{ machine: Machine }, { machine: Machine; backend: ReturnType<typeof openMemoryBackend> }];
    a.machine.applyAll(puts(1, 20));
    for (const each of puts(1, 9)) b.machine.applyAll([each]);
    const again = Machine.open(b.backend, SETTINGS);
    expect(again.appliedHash).toBe(b.machine.appliedHash);
    again.scrub(100);
    again.applyAll(puts(10, 11));

    expect(again.appliedHash).toBe(a.machine.appliedHash);
    for (let index = 9; index <= 20; index += 1) expect(again.stateHash(index)).toBe(a.machine.stateHash(index));
    expect(a.machine.stateHash(20)).toBe(a.machine.appliedHash);
  });

  test('is not known of entries that were applied before the start, or not yet', () => {
    const backend = openMemoryBackend();
    Machine.open(backend, SETTINGS).applyAll(puts(1, 5));
    const machine = Machine.open(backend, SETTINGS);
    machine.applyAll(puts(6, 1));
    expect([4, 5, 6, 7].map((index) => machine.stateHash(index) !== undefined)).toEqual([false, true, true, false]);
  });

  test('is kept for so many entries, and not for one more', () => {
    const machine = Machine.open(openMemoryBackend(), SETTINGS);
    machine.applyAll(puts(1, RECENT_HASHES + 10));
    expect(machine.stateHash(10)).toBeUndefined();
    expect(machine.stateHash(11)).toBeDefined();
  });

  test('counts commands that fail, by their place alone', () => {
    const [a, b] = [1, 2].map(() => Machine.open(openMemoryBackend(), SETTINGS)) as [Machine, Machine];
    a.applyAll([entry(1, { type: 'leaseRevoke', id: 1n })]);
    b.applyAll([{ index: 1, term: 1, data: new Uint8Array(0) }]);
    expect(a.appliedHash).toBe(b.appliedHash);
    expect(a.appliedHash).not.toBe(0);
  });
});

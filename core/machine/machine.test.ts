import { describe, expect, test } from '@jest/globals';
import type { Backend } from '../backend/backend.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { InvariantError } from '../base/assert.js';
import { EMPTY_BYTES, toBytes, toText } from '../base/bytes.js';
import {
  CompactedError,
  type CoordinationError,
  FutureRevisionError,
  KeyNotFoundError,
  LeaseExistsError,
  LeaseNotFoundError,
} from '../base/errors.js';
import { everything, prefix } from '../base/key-range.js';
import type { Operation, TxnRequest } from '../base/operation.js';
import { createRevision, get, put, remove } from '../txn.js';
import { encodeCommand } from './codec.js';
import { Machine } from './machine.js';
import type { Command, CommandResult } from './types.js';

const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };

function openMachine() {
  const backend = openMemoryBackend();
  return { backend, ...over(Machine.open(backend, SETTINGS)) };
}

/** A machine, and words to give it commands one at a time. */
function over(machine: Machine) {
  const outcomeOf = (command: Command) => {
    const index = machine.appliedIndex + 1;
    const [applied] = machine.applyAll([{ index, term: 1, data: encodeCommand(command) }]);
    expect(applied?.index).toBe(index);
    return applied as { result?: CommandResult; error?: CoordinationError };
  };
  return {
    machine,
    apply: (command: Command) => {
      const { result, error } = outcomeOf(command);
      if (error) throw error;
      return result;
    },
    errorOf: (command: Command) => outcomeOf(command).error,
    values: () =>
      Object.fromEntries(machine.keyspace.range(get(everything())).kvs.map((kv) => [toText(kv.key), toText(kv.value)])),
  };
}

function grant(id: bigint, ttlSeconds = 10): Command {
  return { type: 'leaseGrant', id, ttlSeconds };
}

function txn(parts: Partial<TxnRequest>): TxnRequest {
  return { type: 'txn', compares: [], success: [], failure: [], ...parts };
}

function names(keys: readonly Uint8Array[]): string[] {
  return keys.map(toText);
}

/** A backend in memory that counts its writes. */
function openCountingBackend() {
  const memory = openMemoryBackend();
  const counts = { writes: 0 };
  const write: Backend['write'] = (fill) => {
    counts.writes += 1;
    memory.write(fill);
  };
  const backend = new Proxy(memory, {
    get(target, name) {
      const member: unknown = name === 'write' ? write : Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { backend, counts };
}

describe('entries', () => {
  test('change data, leases and the applied position in one write of the backend', () => {
    const { backend, counts } = openCountingBackend();
    const machine = Machine.open(backend, SETTINGS);

    const outcomes = machine.applyAll([
      { index: 1, term: 1, data: EMPTY_BYTES },
      { index: 2, term: 1, data: encodeCommand(put('a', '1')) },
      { index: 3, term: 2, data: encodeCommand(grant(7n)) },
      { index: 4, term: 2, data: encodeCommand(put('b', '1', { lease: 7n })) },
    ]);

    expect(counts.writes).toBe(1);
    expect(outcomes).toEqual([
      undefined,
      { index: 2, result: { type: 'put', revision: 2 } },
      { index: 3, result: { type: 'leaseGrant', revision: 2, id: 7n, ttlSeconds: 10 } },
      { index: 4, result: { type: 'put', revision: 3 } },
    ]);
    expect(machine).toMatchObject({ appliedIndex: 4, appliedTerm: 2 });
  });

  test('that are none change nothing', () => {
    const { backend, machine } = openMachine();

    expect(machine.applyAll([])).toEqual([]);

    expect([...backend.scan('meta')]).toEqual([]);
  });

  test('without a command advance the applied index and nothing else', () => {
    const { machine } = openMachine();

    expect(machine.applyAll([{ index: 1, term: 3, data: EMPTY_BYTES }])).toEqual([undefined]);

    expect(machine).toMatchObject({ appliedIndex: 1, appliedTerm: 3 });
    expect(machine.keyspace.revision).toBe(1);
  });

  test.each([
    ['that was applied before', { index: 2, term: 1 }],
    ['behind a gap', { index: 4, term: 1 }],
    ['of an older term', { index: 3, term: 0 }],
  ])('one %s is refused', (_, { index, term }) => {
    const { machine, apply } = openMachine();
    apply(put('a', '1'));
    apply(put('a', '2'));

    expect(() => machine.applyAll([{ index, term, data: encodeCommand(put('a', '3')) }])).toThrow(InvariantError);
  });

  test('one that cannot be read is a broken invariant, and its batch changes nothing in the backend', () => {
    const { backend, machine, apply } = openMachine();
    apply(put('a', '1'));
    const before = [...backend.scan('history'), ...backend.scan('meta')];

    const entries = [encodeCommand(put('b', '1')), Uint8Array.of(1, 99)].map((data, at) => ({
      index: 2 + at,
      term: 1,
      data,
    }));

    expect(() => machine.applyAll(entries)).toThrow(InvariantError);
    expect([...backend.scan('history'), ...backend.scan('meta')]).toEqual(before);
  });

  test('see what earlier ones of the same batch did', () => {
    const { machine, values } = openMachine();
    const commands: Command[] = [
      grant(7n),
      put('a', '1', { lease: 7n }),
      put('a', '', { ignoreValue: true, lease: 7n }),
      txn({ compares: [createRevision('a').equals(2)], success: [put('b', 'seen', { lease: 7n })] }),
      remove('a', { previous: true }),
      { type: 'compact', revision: 4 },
      put('c', 'kept'),
      { type: 'leaseRevoke', id: 7n },
    ];

    const outcomes = machine.applyAll(
      commands.map((command, at) => ({ index: at + 1, term: 1, data: encodeCommand(command) })),
    );

    expect(outcomes.map((outcome) => outcome && 'result' in outcome && outcome.result.revision)).toEqual([
      1, 2, 3, 4, 5, 5, 6, 7,
    ]);
    expect(outcomes[4]).toMatchObject({ result: { previous: [{ version: 2, lease: 7n }] } });
    expect(values()).toEqual({ c: 'kept' });
  });
});

describe('a command that fails', () => {
  test('uses up its index and changes nothing else', () => {
    const { machine, apply, errorOf } = openMachine();
    apply(put('a', '1'));

    expect(errorOf({ type: 'compact', revision: 9 })).toEqual(new FutureRevisionError(9, 2));

    expect(machine.appliedIndex).toBe(2);
    expect(machine.keyspace).toMatchObject({ revision: 2, compactRevision: 0 });
  });

  test.each<[string, Command, CoordinationError]>([
    ['a put with a lease that does not exist', put('a', '2', { lease: 9n }), new LeaseNotFoundError(9n)],
    ['a put that keeps the value of nothing', put('b', '', { ignoreValue: true }), new KeyNotFoundError(toBytes('b'))],
    ['a grant of an id that is taken', grant(7n), new LeaseExistsError(7n)],
    ['a revocation of no lease', { type: 'leaseRevoke', id: 9n }, new LeaseNotFoundError(9n)],
    [
      'a transaction in whose branch any put has a lease that does not exist',
      txn({ success: [put('b', '1'), remove('a'), txn({ success: [put('c', '1', { lease: 9n })] })] }),
      new LeaseNotFoundError(9n),
    ],
    [
      'a transaction that keeps the value of nothing',
      txn({ success: [put('b', '1', { lease: 7n }), put('c', '', { ignoreValue: true })] }),
      new KeyNotFoundError(toBytes('c')),
    ],
    [
      'a transaction that reads the future',
      txn({ success: [remove(prefix('a')), get('a', { revision: 99 })] }),
      new FutureRevisionError(99, 2),
    ],
  ])('leaves no trace: %s', (_, command, expected) => {
    const { backend, machine, apply, errorOf, values } = openMachine();
    apply(grant(7n));
    apply(put('a', '1', { lease: 7n }));
    const before = [...backend.scan('history'), ...backend.scan('lease')];
    const watcher = machine.watch.watch({ target: everything() }, () => undefined);

    expect(errorOf(command)).toEqual(expected);

    expect(machine.keyspace.revision).toBe(2);
    expect(values()).toEqual({ a: '1' });
    expect(names(machine.lessor.keys(7n))).toEqual(['a']);
    expect([...backend.scan('history'), ...backend.scan('lease')]).toEqual(before);
    expect(watcher.take()).toBeUndefined();
  });

  test('does not keep the next entry of its batch from being applied', () => {
    const { machine } = openMachine();
    const commands: Command[] = [put('a', '1', { lease: 9n }), put('b', '1')];

    const outcomes = machine.applyAll(
      commands.map((command, at) => ({ index: at + 1, term: 1, data: encodeCommand(command) })),
    );

    expect(outcomes).toEqual([
      { index: 1, error: new LeaseNotFoundError(9n) },
      { index: 2, result: { type: 'put', revision: 2 } },
    ]);
  });
});

describe('leases', () => {
  test('that a branch names which is not taken need not exist', () => {
    const { apply, values } = openMachine();
    const success: Operation[] = [put('a', '1', { lease: 9n })];

    apply(txn({ compares: [createRevision('a').isGreaterThan(0)], success, failure: [put('b', '1')] }));

    expect(values()).toEqual({ b: '1' });
  });

  test('take their keys with them, in key order, in one revision', () => {
    const { backend, machine, apply, values } = openMachine();
    apply(grant(7n));
    for (const name of ['c', 'a', 'b']) apply(put(name, '1', { lease: 7n }));
    apply(put('other', '1'));
    const watcher = machine.watch.watch({ target: everything() }, () => undefined);

    expect(apply({ type: 'leaseRevoke', id: 7n })).toEqual({ type: 'leaseRevoke', revision: 6 });

    const taken = watcher.take();
    const events = taken?.type === 'batch' ? taken.batch.events : [];
    expect(events.map(({ type, kv }) => [type, toText(kv.key), kv.modRevision])).toEqual([
      ['delete', 'a', 6],
      ['delete', 'b', 6],
      ['delete', 'c', 6],
    ]);
    expect(watcher.take()).toBeUndefined();
    expect(values()).toEqual({ other: '1' });
    expect([...backend.scan('lease')]).toEqual([]);
  });

  test('without keys end without a revision', () => {
    const { machine, apply } = openMachine();
    apply(grant(7n));

    expect(apply({ type: 'leaseRevoke', id: 7n })).toEqual({ type: 'leaseRevoke', revision: 1 });

    expect(machine.lessor.has(7n)).toBe(false);
  });

  test.each<[string, Command]>([
    ['put without a lease', put('a', '2')],
    ['put with another lease', put('a', '2', { lease: 8n })],
    ['deleted', remove('a')],
    ['deleted with a range in a transaction', txn({ success: [remove(prefix('a'))] })],
  ])('lose a key that is %s', (_, command) => {
    const { machine, apply } = openMachine();
    apply(grant(7n));
    apply(grant(8n));
    apply(put('a', '1', { lease: 7n }));

    apply(command);

    expect(machine.lessor.keys(7n)).toEqual([]);
    apply({ type: 'leaseRevoke', id: 7n });
    const isDeleted = command.type !== 'put';
    expect(machine.keyspace.range(get('a')).count).toBe(isDeleted ? 0 : 1);
  });

  test.each<[string, Command]>([
    ['put with the same lease', put('a', '2', { lease: 7n })],
    ['put so that it keeps its lease', put('a', '2', { ignoreLease: true })],
  ])('keep a key that is %s', (_, command) => {
    const { machine, apply } = openMachine();
    apply(grant(7n));
    apply(put('a', '1', { lease: 7n }));

    apply(command);

    expect(names(machine.lessor.keys(7n))).toEqual(['a']);
  });

  test('lose a key that is put and deleted in the same transaction', () => {
    const { machine, apply } = openMachine();
    apply(grant(7n));

    apply(
      txn({ success: [put('a', '1', { lease: 7n }), { type: 'delete', key: toBytes('a'), end: Uint8Array.of(0) }] }),
    );

    expect(machine.lessor.keys(7n)).toEqual([]);
    expect(apply({ type: 'leaseRevoke', id: 7n })).toMatchObject({ revision: 2 });
  });
});

describe('a machine that is opened again', () => {
  test('is as it was: keys, leases, their keys, and the place in the log', () => {
    const { backend, apply } = openMachine();
    apply(grant(7n, 42));
    apply(put('a', '1', { lease: 7n }));
    apply(put('b', '1', { lease: 7n }));
    apply(put('b', '2'));
    apply(remove('c'));
    apply({ type: 'compact', revision: 3 });

    const { machine, apply: applyMore, values } = over(Machine.open(backend, SETTINGS));

    expect(machine).toMatchObject({ appliedIndex: 6, appliedTerm: 1 });
    expect(machine.keyspace).toMatchObject({ revision: 4, compactRevision: 3 });
    expect(machine.lessor.ttlSeconds(7n)).toBe(42);
    expect(names(machine.lessor.keys(7n))).toEqual(['a']);
    expect(values()).toEqual({ a: '1', b: '2' });
    expect(applyMore({ type: 'leaseRevoke', id: 7n })).toEqual({ type: 'leaseRevoke', revision: 5 });
  });

  test.each([
    ['of another version', [9, ...new Array<number>(16).fill(0)]],
    ['cut short', [2, 0]],
    ['whose index is no number', [2, 0x7f, 0xf8, ...new Array<number>(22).fill(0)]],
    ['whose term is below 0', [2, ...new Array<number>(8).fill(0), 0xbf, 0xf0, ...new Array<number>(14).fill(0)]],
  ])('refuses an applied position %s', (_, record) => {
    const { backend, apply } = openMachine();
    apply(put('a', '1'));
    const [[key]] = [...backend.scan('meta')] as [[Uint8Array, Uint8Array]];
    backend.write((batch) => batch.put('meta', key, Uint8Array.from(record)));

    expect(() => Machine.open(backend, SETTINGS)).toThrow(InvariantError);
  });
});

describe('compaction', () => {
  test('makes the past unreadable at once, and scrubbing frees it bit by bit', () => {
    const { backend, machine, apply } = openMachine();
    for (let value = 2; value <= 7; value += 1) apply(put('a', String(value)));

    expect(apply({ type: 'compact', revision: 6 })).toEqual({ type: 'compact', revision: 7 });

    expect(() => machine.keyspace.range(get('a', { revision: 5 }))).toThrow(CompactedError);
    expect([...backend.scan('history')].length).toBe(6);
    expect(machine.scrub(3)).toBe(true);
    expect([...backend.scan('history')].length).toBe(3);
    expect(machine.scrub(3)).toBe(false);
    expect([...backend.scan('history')].length).toBe(2);
    expect(machine.appliedIndex).toBe(7);
  });

  test('tells a watcher whose history it removed', () => {
    const { machine, apply } = openMachine();
    for (let value = 2; value <= 5; value += 1) apply(put('a', String(value)));
    const watcher = machine.watch.watch({ target: everything(), from: 3 }, () => undefined);

    apply({ type: 'compact', revision: 4 });

    expect(watcher.take()).toEqual({ type: 'compacted', compactRevision: 4 });
  });
});

describe('watchers', () => {
  test('are called back once a batch, when all of it is applied', () => {
    const { machine } = openMachine();
    const seen: number[] = [];
    const watcher = machine.watch.watch({ target: prefix('a') }, () => {
      seen.push(machine.appliedIndex, machine.keyspace.revision, machine.watch.publishedRevision);
    });

    machine.applyAll(
      ['a', 'b', 'a2'].map((name, at) => ({ index: at + 1, term: 1, data: encodeCommand(put(name, '')) })),
    );

    expect(seen).toEqual([3, 4, 4]);
    expect([watcher.take(), watcher.take(), watcher.take()]).toMatchObject([
      { batch: { revision: 2 } },
      { batch: { revision: 4 } },
      undefined,
    ]);
  });
});

import { beforeEach, describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import type { AlarmKind } from '../base/alarm.js';
import type { TxnRequest } from '../base/operation.js';
import { get, put, remove } from '../txn.js';
import { ALARMS_MAX } from './alarms.js';
import { encodeCommand } from './codec.js';
import { Machine } from './machine.js';
import { spaceCost } from './space-cost.js';
import type { AlarmCommand, Command, CommandResult } from './types.js';

const SETTINGS = { watch: { queueEventsMax: 4, catchUpRevisionsMax: 2 } };

let backend: ReturnType<typeof openMemoryBackend>;
let machine: Machine;

beforeEach(() => {
  backend = openMemoryBackend();
  machine = Machine.open(backend, SETTINGS);
});

/** What comes of a command: its code if it fails, else its result. */
function run(command: Command): string | CommandResult | undefined {
  const [outcome] = machine.applyAll([{ index: machine.appliedIndex + 1, term: 1, data: encodeCommand(command) }]);
  return outcome !== undefined && 'error' in outcome ? outcome.error.code : outcome?.result;
}

const alarm = (action: AlarmCommand['action'], kind: AlarmKind, memberId = 1n, endsItself = false): AlarmCommand => ({
  type: 'alarm',
  action,
  alarm: { memberId, kind },
  endsItself,
});
const txn = (success: TxnRequest['success'], failure: TxnRequest['failure'] = []): TxnRequest => ({
  ...{ type: 'txn', compares: [] },
  success,
  failure,
});
const GRANT: Command = { type: 'leaseGrant', id: 7n, ttlSeconds: 10 };

describe('an alarm', () => {
  test('is raised once, and ended once', () => {
    expect(run(alarm('end', 'NOSPACE'))).toMatchObject({ alarm: undefined });
    for (const _ of [1, 2]) {
      expect(run(alarm('raise', 'NOSPACE'))).toMatchObject({ alarm: { memberId: 1n, kind: 'NOSPACE' } });
      expect(machine.alarms.raised).toHaveLength(1);
    }
    expect(run(alarm('end', 'NOSPACE', 2n))).toMatchObject({ alarm: undefined });
    expect(run(alarm('end', 'CORRUPT'))).toMatchObject({ alarm: undefined });
    expect(run(alarm('end', 'NOSPACE'))).toMatchObject({ alarm: { memberId: 1n, kind: 'NOSPACE' } });
    expect(machine.alarms.raised).toEqual([]);
  });

  test('is there after a restart, and what is ended is not', () => {
    run(alarm('raise', 'NOSPACE', 2n ** 64n - 1n, true));
    run(alarm('raise', 'CORRUPT'));

    expect(Machine.open(backend, SETTINGS).alarms.raised).toEqual(machine.alarms.raised);

    for (const { memberId, kind } of machine.alarms.raised) run(alarm('end', kind, memberId));
    expect(Machine.open(backend, SETTINGS).alarms.raised).toEqual([]);
  });

  test('is ended by the watch that raised it only if nobody else has raised it since', () => {
    run(alarm('raise', 'NOSPACE', 1n, true));
    expect(run(alarm('end', 'NOSPACE', 1n, true))).toMatchObject({ alarm: { memberId: 1n } });

    run(alarm('raise', 'NOSPACE', 1n, true));
    run(alarm('raise', 'NOSPACE', 1n, false));
    run(alarm('raise', 'NOSPACE', 1n, true));
    expect(run(alarm('end', 'NOSPACE', 1n, true))).toMatchObject({ alarm: undefined });
    expect(machine.alarms.raised).toHaveLength(1);
  });

  test('is one of so many, and not of one more', () => {
    for (let id = 1; id <= ALARMS_MAX; id += 1) run(alarm('raise', 'NOSPACE', BigInt(id)));
    expect(run(alarm('raise', 'NOSPACE', BigInt(ALARMS_MAX)))).toMatchObject({ type: 'alarm' });
    expect(run(alarm('raise', 'NOSPACE', 0n))).toBe('INVALID_ARGUMENT');
    expect(machine.alarms.raised).toHaveLength(ALARMS_MAX);
  });
});

describe('without space', () => {
  beforeEach(() => {
    run(put('k', '1'));
    run({ type: 'leaseGrant', id: 5n, ttlSeconds: 10 });
    run(alarm('raise', 'NOSPACE', 3n));
  });

  test.each<[string, Command]>([
    ['a put', put('a', '')],
    ['a put of a caller', { type: 'callers', caller: 'nobody', command: put('a', '') }],
    ['a lease', GRANT],
    ['a transaction with a put', txn([put('a', '')])],
    ['one with a put in the branch that is not taken', txn([], [put('a', '')])],
    ['one with a put in a transaction within', txn([txn([], [put('a', '')])])],
  ])('%s is refused, and changes nothing', (_, command) => {
    const { revision } = machine.keyspace;
    expect(run(command)).toBe('NO_SPACE');
    expect(machine.keyspace.revision).toBe(revision);
    expect(machine.lessor.ids()).toEqual([5n]);
  });

  test.each<[string, Command]>([
    ['a deletion', remove('k')],
    ['a transaction that deletes and reads', txn([remove('k'), get('a')])],
    ['a compaction', { type: 'compact', revision: 2 }],
    ['the end of a lease', { type: 'leaseRevoke', id: 5n }],
    ['a change of roles', { type: 'auth', change: { type: 'roleAdd', role: 'r' } }],
  ])('%s is taken', (_, command) => {
    expect(run(command)).toMatchObject({ type: command.type });
  });

  test('everything is taken again once the last alarm is ended', () => {
    run(alarm('raise', 'NOSPACE', 4n));
    run(alarm('end', 'NOSPACE', 3n));
    expect(run(put('a', ''))).toBe('NO_SPACE');
    run(alarm('end', 'NOSPACE', 4n));
    expect(run(put('a', ''))).toMatchObject({ type: 'put' });
  });
});

test.each<[string, Command]>([
  ['a put', put('a', '')],
  ['a deletion', remove('k')],
  ['a transaction', txn([get('a')])],
  ['a compaction', { type: 'compact', revision: 2 }],
  ['a lease', GRANT],
  ['the end of a lease', { type: 'leaseRevoke', id: 5n }],
])('while something is corrupt, %s is refused, whatever else is raised', (_, command) => {
  run(put('k', '1'));
  run({ type: 'leaseGrant', id: 5n, ttlSeconds: 10 });
  run(alarm('raise', 'NOSPACE', 3n));
  run(alarm('raise', 'CORRUPT', 3n));

  expect(run(command)).toBe('CORRUPT');
});

test('a command costs what etcd reckons', () => {
  expect(spaceCost(put('abc', 'de'))).toBe(256 + 5);
  expect(spaceCost(GRANT)).toBe(64);
  expect(spaceCost(remove('k'))).toBe(0);
  expect(spaceCost(txn([put('abc', 'de'), get('a')], [put('a', ''), put('b', '')]))).toBe(2 * 257);
  expect(spaceCost(txn([txn([put('abc', 'de')]), put('a', '')]))).toBe(261 + 257);
});

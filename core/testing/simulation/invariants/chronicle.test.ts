import { expect, test } from '@jest/globals';
import { toBytes, toText } from '../../../base/bytes.js';
import { prefix } from '../../../base/key-range.js';
import type { Event } from '../../../base/key-value.js';
import { openMemoryBackend } from '../../../backend/memory-backend.js';
import { encodeCommand } from '../../../machine/codec.js';
import { Machine } from '../../../machine/machine.js';
import type { Command } from '../../../machine/types.js';
import { modRevision, put, remove } from '../../../txn.js';
import { Chronicle } from './chronicle.js';

const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };

function entryOf(command: Command) {
  return { data: encodeCommand(command) };
}

function txn(...success: readonly ReturnType<typeof put>[]): Command {
  return { type: 'txn', compares: [], success, failure: [] };
}

const HISTORY: readonly Command[] = [
  put('a', '1'),
  { type: 'leaseGrant', id: 5n, ttlSeconds: 10 },
  put('b', '2', { lease: 5n }),
  put('c', '3', { lease: 6n }),
  txn(put('a', '4'), put('d', '5', { lease: 5n })),
  { type: 'txn', compares: [modRevision('a').equals(2)], success: [put('a', 'no')], failure: [remove('a')] },
  { type: 'compact', revision: 4 },
  { type: 'compact', revision: 3 },
  { type: 'leaseRevoke', id: 5n },
  { type: 'leaseRevoke', id: 5n },
  put('b', '6'),
];

test('the chronicle stands where a machine stands that applies the same entries', () => {
  const chronicle = new Chronicle();
  const machine = Machine.open(openMemoryBackend(), SETTINGS);

  HISTORY.forEach((command, at) => {
    chronicle.commit(entryOf(command));
    machine.applyAll([{ index: at + 1, term: 1, ...entryOf(command) }]);
    const { revision, compactRevision } = machine.keyspace;
    expect(chronicle.standingAt(at + 1)).toEqual({ revision, compactRevision });
    expect([...chronicle.leases.keys()]).toEqual(machine.lessor.ids());
  });

  const all = { type: 'range', ...prefix('') } as const;
  expect(chronicle.rangeAt(prefix(''), chronicle.revision)).toEqual(machine.keyspace.range(all).kvs);
});

test('a key is known as it was at any revision', () => {
  const chronicle = new Chronicle();
  for (const command of HISTORY) chronicle.commit(entryOf(command));

  const valueAt = (revision: number) => {
    const kv = chronicle.keyAt(toBytes('a'), revision);
    return kv && toText(kv.value);
  };

  expect([1, 2, 3, 4, 5, 6].map(valueAt)).toEqual([undefined, '1', '1', '4', undefined, undefined]);
});

test('the end of a lease takes its keys in one revision', () => {
  const chronicle = new Chronicle();
  const ended: bigint[] = [];
  const last: Event[] = [];
  chronicle.listen({
    leaseEnded: (id) => ended.push(id),
    revision: (_, events) => last.splice(0, last.length, ...events),
  });
  for (const command of HISTORY.slice(0, -1)) chronicle.commit(entryOf(command));

  expect(ended).toEqual([5n]);
  expect(last.map(({ type, kv }) => `${type} ${toText(kv.key)}`)).toEqual(['delete b', 'delete d']);
  expect(chronicle.eventsBetween(prefix('b'), 1, 99).map(({ type }) => type)).toEqual(['put', 'delete']);
});

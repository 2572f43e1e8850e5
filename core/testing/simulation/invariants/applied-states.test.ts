import { beforeEach, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../../../backend/memory-backend.js';
import { encodeCommand } from '../../../machine/codec.js';
import { Machine } from '../../../machine/machine.js';
import type { Command } from '../../../machine/types.js';
import { put } from '../../../txn.js';
import { AppliedStates } from './applied-states.js';
import { Chronicle } from './chronicle.js';

const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };

let chronicle: Chronicle;
let found: string[];
let states: AppliedStates;

beforeEach(() => {
  chronicle = new Chronicle();
  found = [];
  states = new AppliedStates(chronicle, (what) => found.push(what));
});

function machineAfter(...commands: readonly Command[]): Machine {
  const machine = Machine.open(openMemoryBackend(), SETTINGS);
  machine.applyAll(commands.map((command, at) => ({ index: at + 1, term: 1, data: encodeCommand(command) })));
  return machine;
}

function commit(...commands: readonly Command[]): void {
  for (const command of commands) chronicle.commit({ data: encodeCommand(command) });
}

const finding = (what: string) => [expect.stringContaining(what)];

test('members that have applied the same are no finding', () => {
  commit(put('a', '1'), put('a', '2'));

  for (const name of ['m1', 'm2']) states.look(name, machineAfter(put('a', '1'), put('a', '2')), true);
  states.compareWhole('m1', machineAfter(put('a', '1'), put('a', '2')));

  expect(found).toEqual([]);
});

test('members that differ after an entry are found, also if it is not the last one', () => {
  commit(put('a', '1'), put('a', '2'));
  const other = machineAfter();
  states.look('m1', machineAfter(put('a', '1'), put('a', '2')), true);
  states.look('m2', other, true);

  other.applyAll([{ index: 1, term: 1, data: encodeCommand(put('b', '1')) }]);
  states.look('m2', other, true);

  expect(found).toEqual([]);
  states.look('m3', machineAfter(put('b', '1'), put('a', '2')), true);
  expect(found).toEqual(finding('m3 and m1 have different states after entry 2'));
});

test('a revision that the log does not make is found', () => {
  commit({ type: 'leaseGrant', id: 1n, ttlSeconds: 5 });
  states.look('m1', machineAfter(put('a', '1')), true);
  expect(found).toEqual(finding('it stands at revision 2, compacted at 0; the log says 1 and 0'));
});

test('applying what is not committed is found', () => {
  states.look('m1', machineAfter(put('a', '1')), true);
  expect(found).toEqual(finding('not committed yet'));
});

test('a member may apply entries again after a restart, but not serve an older revision', () => {
  commit(put('a', '1'), put('a', '2'));
  states.look('m1', machineAfter(put('a', '1'), put('a', '2')), true);

  const restarted = machineAfter(put('a', '1'));
  states.look('m1', restarted, false);
  expect(found).toEqual([]);

  states.look('m1', restarted, true);
  expect(found).toEqual(finding('it served revision 3, and now serves 2'));
});

test('a whole state that is not what the log makes is found', () => {
  commit(put('a', '1'));
  states.compareWhole('m1', machineAfter(put('a', '2')));
  states.compareWhole('m2', machineAfter());
  expect(found).toEqual([...finding('its 1 keys are not the 1'), ...finding('it has applied 0 entries of 1')]);
});

import { beforeEach, expect, test } from '@jest/globals';
import { encodeCommand } from '../../../machine/codec.js';
import type { Operation } from '../../../base/operation.js';
import { put, remove } from '../../../txn.js';
import { Layout } from '../../../../recipes/barrier-queue/layout.js';
import { Chronicle } from '../invariants/chronicle.js';
import { QueueCheck } from './queue-check.js';

const layout = new Layout(undefined, 'jobs');
const SLOT = { round: 1, id: 'one' };

let chronicle: Chronicle;
let found: string[];
let check: QueueCheck;

beforeEach(() => {
  chronicle = new Chronicle();
  found = [];
  check = new QueueCheck('jobs', { chronicle, report: (what) => found.push(what), itemsMin: 2, lingers: false });
});

function commit(...success: readonly Operation[]): void {
  chronicle.commit({ data: encodeCommand({ type: 'txn', compares: [], success, failure: [] }) });
}

const item = (id: string, round = 1) => put(layout.of('item', { round, id }), '{}');
const claim = (id: string, round = 1) => put(layout.of('claim', { round, id }), '{}');
const gate = (round: number, state: 'open' | 'closed') =>
  put(layout.gate, JSON.stringify({ round, state, consented: false }));
const done = (id: string) => [
  remove(layout.of('item', { round: 1, id })),
  remove(layout.of('claim', { round: 1, id })),
];

/** Two items are put, the gate opens, and one of them is claimed. */
function begun(): void {
  commit(item('one'));
  commit(item('two'));
  commit(gate(1, 'open'));
  commit(claim('one'));
}

const finding = (what: string) => [expect.stringContaining(what)];

test('a round that goes as it must is no finding', () => {
  begun();
  check.put(SLOT);
  commit(...done('one'));
  check.acknowledged(SLOT, 'me');
  commit(claim('two'));
  commit(...done('two'));
  commit(item('three', 2));
  commit(gate(2, 'closed'));
  expect(found).toEqual([]);
});

test('a gate that opens before the round is complete is found', () => {
  commit(item('one'));
  commit(gate(1, 'open'));
  expect(found).toEqual(finding('the round was not complete'));
});

test('a gate that opens twice, or closes on what is there, is found', () => {
  begun();
  commit(gate(1, 'open'));
  commit(gate(2, 'closed'));
  expect(found).toEqual([...finding('from open 1 to open 1'), ...finding('the round was not drained')]);
});

test('an item in a round that does not gather is found', () => {
  begun();
  commit(item('three', 1));
  expect(found).toEqual(finding('item three went into round 1 while 1 was open'));
});

test('an item that vanishes though nobody had it is found', () => {
  begun();
  commit(remove(layout.of('item', { round: 1, id: 'two' })));
  expect(found).toEqual(finding('item two left at revision 6, and nobody had it'));
});

test('an item that is claimed before its gate opens, or a second time, is found', () => {
  commit(item('one'));
  commit(claim('one'));
  commit(claim('one'));
  expect(found).toEqual([
    ...finding('was claimed while 1 was closed'),
    ...finding('though somebody had it'),
    ...finding('was claimed while 1 was closed'),
  ]);
});

test('what somebody is told that is not so is found', () => {
  begun();
  check.put({ round: 1, id: 'three' });
  check.acknowledged(SLOT, 'me');
  check.acknowledged(SLOT, 'you');
  expect(found).toEqual([
    ...finding('and never was'),
    ...finding('was dealt with, and is there'),
    ...finding('dealt with by me and by you'),
    ...finding('was dealt with, and is there'),
  ]);
});

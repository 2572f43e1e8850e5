import { beforeEach, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { toBytes } from '../base/bytes.js';
import type { PutRequest } from '../base/operation.js';
import { encodeCommand } from '../machine/codec.js';
import { Machine } from '../machine/machine.js';
import { ManualClock } from '../testing/manual-clock.js';
import { PrefixLimits } from './prefix-limits.js';

let clock: ManualClock;
let isReadable: boolean;
let limits: PrefixLimits;
const failures: Error[] = [];

beforeEach(() => {
  clock = new ManualClock();
  isReadable = true;
  failures.length = 0;
  limits = new PrefixLimits({
    limits: { prefixQuotas: [{ prefix: 'a/', keysMax: 1_000 }] },
    clock,
    isReadable: () => isReadable,
    onFailure: (error) => failures.push(error),
  });
});

const put = (key: string): PutRequest => ({ type: 'put', key: toBytes(key), value: toBytes('v') });

function add(machine: Machine, { from = 0, to }: { readonly from?: number; readonly to: number }): void {
  const first = machine.appliedIndex + 1;
  const entries = Array.from({ length: to - from }, (_, at) => {
    return { index: first + at, term: 1, data: encodeCommand(put(`a/${from + at}`)), kind: 'normal' } as never;
  });
  machine.applyAll(entries);
}

function machineWith(keys: number): Machine {
  const machine = Machine.open(openMemoryBackend(), { watch: { queueEventsMax: 10, catchUpRevisionsMax: 10 } });
  add(machine, { to: keys });
  return machine;
}

test('what was there is counted in steps; meanwhile it refuses too little, then what it must', async () => {
  limits.follow(machineWith(1_000));

  expect(limits.refusal(put('a/new'))).toBeUndefined();
  await clock.advance(0);
  expect(limits.refusal(put('a/new'))).toMatchObject({ used: 1_000, limit: 1_000 });
  expect(limits.refusal(put('a/1'))).toBeUndefined();
  expect(limits.refusedCounts).toEqual({ rate: 0, quota: 1 });
});

test('the state that takes the place of another is counted anew, and the other one tells no more', async () => {
  const [before, after] = [machineWith(1_000), machineWith(998)];
  limits.follow(before);
  await clock.advance(0);
  limits.follow(after);
  await clock.advance(0);

  expect(before.onWritten).toBeUndefined();
  expect(limits.refusal(put('a/new'))).toBeUndefined();
  add(after, { from: 998, to: 1_000 });
  expect(limits.refusal(put('a/new'))).toMatchObject({ used: 1_000 });
});

test('a state that cannot be looked at is neither counted nor asked', async () => {
  limits.follow(machineWith(1_001));
  isReadable = false;
  await clock.advance(0);
  expect(limits.refusal(put('a/new'))).toBeUndefined();

  isReadable = true;
  expect(limits.refusal(put('a/new'))).toBeUndefined();
  expect(failures).toEqual([]);
});

test('a count that fails is the end of whoever asked for it', async () => {
  const machine = machineWith(10);
  limits.follow(machine);
  machine.keyspace.rangePage = () => {
    throw new Error('the disk is gone');
  };
  await clock.advance(0);

  expect(failures).toEqual([new Error('the disk is gone')]);
});

test('without a quota nobody is told of what is written', () => {
  const machine = machineWith(1);
  new PrefixLimits({ limits: undefined, clock, isReadable: () => true, onFailure: () => undefined }).follow(machine);

  expect(machine.onWritten).toBeUndefined();
});

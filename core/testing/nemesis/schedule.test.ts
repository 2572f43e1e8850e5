import { expect, test } from '@jest/globals';
import type { Clock } from '../../base/clock.js';
import { seededPrng } from '../../base/prng.js';
import type { MemberProcess } from '../cluster/member-process.js';
import type { ProcessCluster } from '../cluster/process-cluster.js';
import type { Equipment } from './equipment/equipment.js';
import type { Fault } from './faults/fault.js';
import { disturb } from './schedule.js';

const MEMBERS = ['m1', 'm2', 'm3'].map((name) => ({ name, resume: () => undefined }) as unknown as MemberProcess);

/** A clock by which every pause is over at once. */
const HASTY: Clock = {
  now: () => 0,
  after(_, callback) {
    const turn = setImmediate(callback);
    return { cancel: () => clearImmediate(turn) };
  },
  soon: (callback) => void setImmediate(callback),
};

/** Of a cluster, only what a schedule asks of it. */
function fakeCluster() {
  const started: string[] = [];
  const cluster = {
    members: MEMBERS,
    others: (member: MemberProcess) => MEMBERS.filter((one) => one !== member),
    leader: async () => MEMBERS[0],
    heal: () => started.push('healed'),
    start: async ({ name }: MemberProcess) => void started.push(name),
  };
  return { cluster: cluster as unknown as ProcessCluster, started };
}

/** Notes who strikes while whom else does, and ends the run after so many. */
async function strikes(count: number, faults: (note: (name: string) => Promise<void>) => readonly Fault[], seed = 5) {
  const stop = new AbortController();
  const together: string[][] = [];
  const atWork = new Set<string>();
  const note = async (name: string) => {
    atWork.add(name);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    together.push([...atWork].sort());
    atWork.delete(name);
    if (together.length >= count) stop.abort();
  };
  const { cluster, started } = fakeCluster();
  const told: string[] = [];
  const parts = { prng: seededPrng(seed), signal: stop.signal, equipment: {} as Equipment, clock: HASTY };
  const tally = await disturb(cluster, { ...parts, faults: faults(note), tell: (what) => told.push(what) });
  return { together, tally, told, started };
}

function fault(name: string, group: Fault['group'], note: (name: string) => Promise<void>): Fault {
  return { name, group, strike: () => note(name) };
}

test('a fault of processes and one of their surroundings strike together; at the end everything is whole', async () => {
  const { together, tally, started } = await strikes(2, (note) => [
    fault('kill', 'process', note),
    fault('cut', 'surroundings', note),
  ]);

  expect(together).toContainEqual(['cut', 'kill']);
  expect(Object.fromEntries(tally)).toEqual({ kill: 1, cut: 1 });
  expect(started).toEqual(['healed', 'm1', 'm2', 'm3']);
});

test('what must be alone is alone, and what had no effect is not counted', async () => {
  const { together, tally } = await strikes(1, (note) => [
    { ...fault('damage', 'surroundings', note), isAlone: true, strike: async () => (await note('damage'), false) },
  ]);

  expect(together).toEqual([['damage']]);
  expect(tally.size).toBe(0);
});

test('the same seed lets the same happen to the same', async () => {
  const run = () => strikes(2, (note) => [fault('kill', 'process', note), fault('cut', 'surroundings', note)], 11);

  expect((await run()).told).toEqual((await run()).told);
});

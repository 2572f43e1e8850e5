import { describe, expect, test } from '@jest/globals';
import { VirtualDisk } from '../simulation/disk/virtual-disk.js';
import type { Crash, Rehearsable } from './rehearsal.js';
import { type Place, runScenario } from './run-scenario.js';
import { turns } from './turns.js';

const TURNS_MAX = 20;
const NEVER = new Promise<never>(() => {});
const ONE_CHOICE = { choices: ['nothing'], turnsMax: TURNS_MAX } as const;

/** A scenario of three operations, of which a part is as a test has it. */
function scenario(changed: Partial<Crash> = {}, crashAt: (at: number) => Promise<void> = async () => {}): Rehearsable {
  const operation = { number: 0, name: 'write', path: '/file', lengthBytes: 1 } as const;
  const crash = { disk: new VirtualDisk(), operation, recover: async () => {}, ...changed };
  return {
    name: 'of three',
    rehearse: async () => ({ operationCount: 3, crashAt: (at) => crashAt(at).then(() => crash) }),
  };
}

describe('a case that takes too many turns', () => {
  test('is reported as one that does not end, with what it takes to run it again', async () => {
    const result = await runScenario(scenario({ recover: () => NEVER }), ONE_CHOICE);

    expect(result.failures).toHaveLength(3);
    expect(result.failures[1]).toMatchObject({
      place: { name: 'of three', at: 1, choice: 'nothing' },
      operation: 'write /file',
      error: { message: 'the recovery does not end' },
    });
  });

  test.each([
    ['recovers', scenario({ recover: () => turns(TURNS_MAX) }), scenario({ recover: () => turns(TURNS_MAX + 1) })],
    ['finds back', scenario({ rejoin: () => turns(TURNS_MAX) }), scenario({ rejoin: () => turns(TURNS_MAX + 1) })],
    ['comes to the crash', scenario({}, () => turns(TURNS_MAX)), scenario({}, () => turns(TURNS_MAX + 1))],
  ])('has one more than a member may take that %s', async (_, within, beyond) => {
    expect((await runScenario(within, ONE_CHOICE)).failures).toEqual([]);

    expect((await runScenario(beyond, ONE_CHOICE)).failures).toHaveLength(3);
  });

  test('is also the run without a crash', async () => {
    const result = await runScenario({ name: 'endless', rehearse: () => NEVER }, ONE_CHOICE);

    expect(result.failures).toMatchObject([
      { place: { name: 'endless' }, error: { message: 'the scenario does not end' } },
    ]);
  });
});

test('time that is over ends a scenario between two crashes', async () => {
  const places: Place[] = [];
  const isOver = () => places.some(({ at }) => at === 1);

  const result = await runScenario(scenario(), { ...ONE_CHOICE, isOver, onPlace: (place) => places.push(place) });

  expect(result).toMatchObject({ operationCount: 3, caseCount: 2, diskCount: 2, failures: [] });
});

import { Dice } from '../../../raft/testing/dice.js';
import { Chances } from '../chance.js';
import { drawFaults } from '../faults/plan.js';
import { drawSeedOptions } from '../faults/seed-options.js';
import { ViolationError, World } from '../world.js';
import { SeedRun } from './seed-run.js';
import type { SeedResult, SeedTask, Violation } from './seed-result.js';

/**
 * One world from one number: members, clients and faults; what is promised is checked at every step, and after everything
 * has healed, that it goes on.
 *
 * @param given - a list of faults, or options, in the place of those that follow from the seed
 */
export async function runSeed(seed: number, given: Omit<SeedTask, 'seed'> = {}): Promise<SeedResult> {
  const chances = new Chances(seed);
  const dice = (name: string) => new Dice(chances.of(name));
  const options = given.options ?? drawSeedOptions(dice('options'));
  const faults = given.faults ?? drawFaults(dice, options);
  const world = new World(seed, { network: options.network });
  const run = new SeedRun(world, { options, faults, mayAddFaults: given.faults === undefined });
  const violation = await violationOf(world, run);
  const result = {
    seed,
    ...(violation && { violation }),
    traceHash: world.trace.hash,
    events: world.scheduler.events,
    simulatedMs: world.scheduler.now(),
    effects: world.effects.counts,
    effective: run.ground.effective(),
    reached: world.reached.paths,
    options,
    faults: run.faults,
    lastEvents: world.trace.last(),
    operations: run.operations,
  };
  await world.close();
  return result;
}

async function violationOf(world: World, run: SeedRun): Promise<Violation | undefined> {
  try {
    await world.run(() => run.whole());
    return undefined;
  } catch (error) {
    const simulatedMs = world.scheduler.now();
    if (!(error instanceof ViolationError)) return { what: (error as Error).stack ?? String(error), simulatedMs };
    const { cause } = error;
    return { what: cause instanceof Error ? `${error.what}\n${cause.stack}` : error.what, simulatedMs };
  }
}

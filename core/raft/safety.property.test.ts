import { expect, test } from '@jest/globals';
import { Simulation } from './testing/simulation.js';

/** `RAFT_RUNS=20000 RAFT_FIRST_SEED=1000` runs more of them, or others. */
const RUNS = Number(process.env['RAFT_RUNS'] ?? 80);
const FIRST_SEED = Number(process.env['RAFT_FIRST_SEED'] ?? 1);
const ROUNDS = 250;
const HEALING_ROUNDS = 400;

test(
  'whatever is lost, repeated, reordered, cut off, stuck and crashed, the five safety properties hold, reads are fresh, and those who are healed come together',
  () => {
    const totals = { leaders: 0, commits: 0, reads: 0, changes: 0, snapshots: 0, crashes: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
      const { counts } = run(seed);
      for (const what of Object.keys(totals) as (keyof typeof totals)[]) totals[what] += counts[what];
    }
    // A run in which nothing happens shows nothing.
    for (const [what, total] of Object.entries(totals)) expect([what, total > RUNS / 2]).toEqual([what, true]);
  },
  RUNS * 1_000,
);

function run(seed: number): Simulation {
  const simulation = new Simulation(seed);
  try {
    simulation.run(ROUNDS);
    simulation.heal(HEALING_ROUNDS);
    return simulation;
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${simulation.describe()}`, { cause: error });
  }
}

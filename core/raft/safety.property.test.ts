import { expect, test } from '@jest/globals';
import { Simulation } from './testing/simulation.js';

/** `RAFT_RUNS=20000 RAFT_FIRST_SEED=1` runs more of them, or others. */
const RUNS = Number(process.env['RAFT_RUNS'] ?? 200);
const FIRST_SEED = Number(process.env['RAFT_FIRST_SEED'] ?? 1);
const ROUNDS = 250;
const HEALING_ROUNDS = 400;

test('whatever is lost, repeated, reordered, stuck and crashed, the five safety properties hold, and members that are healed come together', () => {
  const counts = { leaders: 0, reads: 0, changes: 0, snapshots: 0, crashes: 0 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
    const simulation = new Simulation(seed);
    try {
      simulation.run(ROUNDS);
      simulation.heal(HEALING_ROUNDS);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}\n${simulation.describe()}`, { cause: error });
    }
    for (const what of Object.keys(counts) as (keyof typeof counts)[]) counts[what] += simulation.counts[what];
  }
  // A run in which nothing happens shows nothing.
  for (const [what, count] of Object.entries(counts)) expect([what, count > RUNS / 2]).toEqual([what, true]);
});

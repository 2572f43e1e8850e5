/** Runs the simulation of raft by itself, seed after seed, until one shows a violation: a layer for mutants. */
import { parseArgs } from 'node:util';
import { Simulation } from '../../../raft/testing/simulation.js';

const ROUNDS = 250;
const HEALING_ROUNDS = 400;

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '300' }, from: { type: 'string', default: '1' } },
});
const from = Number(values.from);
const to = from + Number(values.seeds);

for (let seed = from; seed < to; seed += 1) {
  const simulation = new Simulation(seed);
  try {
    simulation.run(ROUNDS);
    simulation.heal(HEALING_ROUNDS);
  } catch (error) {
    process.stdout.write(`violation: seed ${seed}: ${(error as Error).message}\nafter ${seed - from + 1} seeds\n`);
    process.exit(1);
  }
}
process.stdout.write(`${to - from} seeds\n`);

/** A short run of `npm run nemesis`, and of its drill that kills. A seed of its own for each run; a failing one is told. */
import { expect, test } from '@jest/globals';
import { programUnderTest } from '../cluster/member-program.js';
import { kills } from './drills/kills.js';
import { runNemesis } from './run.js';

const SEED = Number(process.env['NEMESIS_SEED'] ?? process.pid);
const FOR_MS = 8_000;
const KILLS = 4;

function options(tell: (line: string) => void) {
  return { seed: SEED, size: 3, program: programUnderTest(), signal: new AbortController().signal, tell };
}

test('a cluster to which two things at a time happen keeps every promise', async () => {
  const lines: string[] = [`NEMESIS_SEED=${SEED}`];
  const result = await runNemesis({ ...options((line) => lines.push(line)), forMs: FOR_MS, clients: 8, rateLeast: 0 });

  console.info([...lines, JSON.stringify(result.figures)].join('\n'));
  expect(result.violations).toEqual([]);
  expect(result.figures['replayedCount']).toBeGreaterThan(0);
  expect(Object.keys(result.strikes).length).toBeGreaterThan(0);
}, 150_000);

test(`${KILLS} kills under load lose nothing that was acknowledged`, async () => {
  const { violations, figures } = await kills.run({ ...options(() => undefined), rounds: KILLS });

  console.info(`NEMESIS_SEED=${SEED}: ${JSON.stringify(figures)}`);
  expect(violations).toEqual([]);
  expect(figures['replayed']).toBeGreaterThan(KILLS);
}, 150_000);

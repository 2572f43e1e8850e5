/** A short run of `npm run patience`. A seed of its own for each run; a failing one is told. */
import { expect, test } from '@jest/globals';
import { tryPatience } from './try-patience.js';

const SEED = Number(process.env['PATIENCE_SEED'] ?? process.pid);
const FOR_MS = 15_000;

test('a cluster to which one thing after another happens keeps every promise', async () => {
  const lines: string[] = [`patience with PATIENCE_SEED=${SEED}`];
  const summary = await tryPatience({ forMs: FOR_MS, seed: SEED, tell: (line) => lines.push(line) });

  console.info([...lines, summary].join('\n'));
  expect(summary).toMatch(/^[1-9]\d* writes acknowledged/);
}, 150_000);

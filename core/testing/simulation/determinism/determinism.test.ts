import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';

const PROGRAM = join(process.cwd(), 'dist/core/testing/simulation/determinism/one-world.js');
const PATIENCE_MS = 280_000;

interface Outcome {
  readonly hash: string;
  readonly events: number;
  readonly answered: number;
  readonly violation?: string;
  readonly effects: readonly (readonly [string, number])[];
}

async function world(...args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args], { env, timeout: PATIENCE_MS });
  return JSON.parse(stdout) as Outcome;
}

describe('a world', () => {
  test('is the same in every process that runs its seed, and asks nothing of anything outside', async () => {
    const [one, again, other] = await Promise.all([world('14'), world('14'), world('17')]);

    expect(again).toEqual(one);
    expect(other.hash).not.toBe(one.hash);
    for (const { violation, answered, effects } of [one, other]) {
      expect(violation).toBeUndefined();
      expect(answered).toBeGreaterThan(100);
      expect(effects.length).toBeGreaterThan(1);
    }
  }, 300_000);

  test('ends when a promise is rejected that nobody looks at', async () => {
    expect((await world('11', 'reject')).violation).toContain('nobody looks');
  }, 300_000);

  test('notices if something in it asks Node for chance', async () => {
    expect((await world('11', 'bypass')).violation).toContain('crypto.randomUUID was used');
  }, 300_000);
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = join(process.cwd(), 'dist/core/testing/simulation/run/main.js');
/** As many worlds as there is time for in a test run. `npm run sim` takes any number, and new ones. */
const SEEDS_MOST = 200;
const SECONDS = 45;
const PATIENCE_MS = 240_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'simulation-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function simulate(...given: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...given], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('npm run sim', () => {
  it(
    'runs the seeds that failed once and as many others as there is time for; every promise is kept in all of them',
    () => {
      const json = join(folder, 'summary.json');

      const { status, output } = simulate('--seeds', `${SEEDS_MOST}`, '--seconds', `${SECONDS}`, '--json', json);

      const summary = JSON.parse(readFileSync(json, 'utf8')) as Record<string, unknown>;
      expect({ status, failures: summary['failures'], output: status === 0 ? '' : output }).toEqual({
        status: 0,
        failures: [],
        output: '',
      });
      expect(output).toMatch(/\d+ seeds in [\d.]+ s: \d+ a minute/);
      expect(summary['calmSeeds']).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    'runs one seed with the faults of a file',
    () => {
      const file = join(folder, 'faults.json');
      writeFileSync(
        file,
        JSON.stringify([{ atMs: 3_000, kind: 'kill', victim: { role: 'any', pick: 0 }, downMs: 50 }]),
      );

      const { status, output } = simulate('--seed', '9', '--faults', file);

      expect(output).toMatch(/^ {2}kill +1 +1$/m);
      expect(status).toBe(0);
    },
    PATIENCE_MS,
  );

  it(
    'ends with 1 and says how to see it again when a promise is broken',
    () => {
      const file = join(folder, 'faults.json');
      // A fault that nobody can carry out is a violation of the simulation itself.
      writeFileSync(file, JSON.stringify([{ atMs: 1_000, kind: 'kill', downMs: 50 }]));

      const { status, output } = simulate('--seed', '9', '--faults', file, '--shrink-runs', '4');

      expect(output).toMatch(/^violation: the fault 'kill' failed/m);
      expect(output).toContain('npm run sim -- --seed 9');
      expect(status).toBe(1);
    },
    PATIENCE_MS,
  );

  it('ends with 2 for what it does not understand', () => {
    const { status, output } = simulate('--sedes', '3');

    expect(output).toContain('npm run sim -- [--seeds N]');
    expect(status).toBe(2);
  });
});

/** The tour, as `npm start` runs it: everything it claims must hold, and nothing of it may stay behind. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test('the tour ends with a table in which everything held, and leaves neither process nor file behind', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'conclave-tour-test-'));
  const program = join(process.cwd(), 'dist/examples/tour/main.js');

  const env = { ...process.env, TMPDIR: temporary };
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env, timeout: 60_000 });

  expect(stdout).toMatch(/12 checks, all held, in \d+\.\d s/);
  expect(stdout).not.toContain('✗');
  expect(await readdir(temporary)).toEqual([]);
  for (const [, pid] of stdout.matchAll(/\b(?:ada|bob|cyd|uma|vic|wes) \((\d+)\)/g))
    expect(isRunning(Number(pid))).toBe(false);
  await rm(temporary, { recursive: true, force: true });
}, 90_000);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

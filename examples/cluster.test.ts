/** `npm run cluster`, as it is run where there is no terminal: it survives a kill, loses nothing, and leaves nothing behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const PROGRAM = join(process.cwd(), 'dist/examples/cluster/main.js');
const SAID_MS = 30_000;

let temporary: string;
let child: ChildProcess | undefined;
let output = '';

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'conclave-cluster-test-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(temporary, { recursive: true, force: true });
});

function run(...args: string[]): Promise<number> {
  output = '';
  child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, TMPDIR: temporary } });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => (output += bytes.toString()));
  return once(child, 'close').then(([code]) => code as number);
}

/** Waits until the output matches. */
async function said(pattern: RegExp): Promise<RegExpMatchArray> {
  const deadlineMs = performance.now() + SAID_MS;
  for (;;) {
    const match = output.match(pattern);
    if (match) return match;
    if (performance.now() > deadlineMs) throw new Error(`it did not say ${pattern}:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the leader is killed, the writes go on, it is started again, and Ctrl-C ends all of it', async () => {
  const ended = run();
  const [, name, pid] = await said(/(ada|bob|cyd) +(\d+) +leader .*\n(?:.*\n)*?[1-9]\d* writes acknowledged/);
  process.kill(Number(pid), 'SIGKILL');
  await said(new RegExp(`${name} ended \\(SIGKILL\\); it is started again`));
  await said(new RegExp(`${name} +\\d+ +follower +\\d+ +\\d+ +\\d+ +1 `));
  child?.kill('SIGINT');

  expect(await ended).toBe(0);
  expect(output).toMatch(/[1-9]\d* writes were acknowledged, 0 of them are lost\n$/);
  expect(await readdir(temporary)).toEqual([]);
  for (const [, one] of output.matchAll(/is process (\d+)/g)) expect(isRunning(Number(one))).toBe(false);
}, 60_000);

test('it ends by itself after the seconds that it was given', async () => {
  expect(await run('--seconds', '1')).toBe(0);
  expect(output).toMatch(/writes were acknowledged, 0 of them are lost\n$/);
}, 30_000);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

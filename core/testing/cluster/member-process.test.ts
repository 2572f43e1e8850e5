import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { LAST_WILL } from './last-will.js';
import { MemberProcess } from './member-process.js';
import type { MemberProgram, MemberSpec } from './member-program.js';

/** A process that says how it was called, and lives until it is ended. */
const SLEEPER: MemberProgram = {
  name: 'conclave',
  keepsLeases: true,
  shortLog: [],
  command: () => ({ file: 'sh', args: ['-c', 'echo alive; exec sleep 600'] }),
};
const SPEC = { name: 'm1', flags: [] } as unknown as MemberSpec;

test('a member is started, frozen, thawed and killed; its log tells of all its lives', async () => {
  const member = new MemberProcess(SLEEPER, SPEC);
  member.start();
  const first = member.pid;
  member.pause();
  expect(member.isPaused).toBe(true);
  expect((await member.kill()).signal).toBe('SIGKILL');
  expect(member.isRunning).toBe(false);
  member.start();
  expect(member.pid).not.toBe(first);
  expect((await member.end()).signal).toBe('SIGTERM');

  expect(member.log).toMatch(/starts as process \d+\n[^]*alive[^]*ended with SIGKILL[^]*ended with SIGTERM/);
});

test('a member does not outlive the process that started it, even if that is killed', async () => {
  const source = `
    import { spawn } from 'node:child_process';
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    const executor = spawn('sh', ['-c', ${JSON.stringify(LAST_WILL)}, String(child.pid)],
      { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    executor.once('spawn', () => console.log(child.pid));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(isRunning(pid)).toBe(true);

  parent.kill('SIGKILL');
  await once(parent, 'exit');

  const deadlineMs = performance.now() + 5_000;
  while (isRunning(pid) && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isRunning(pid)).toBe(false);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

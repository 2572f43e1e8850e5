import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

/** Runs a program of these lines over the compiled clock; answers what it prints. */
async function output(lines: string): Promise<string> {
  const program = `import { systemClock } from './dist/core/base/system-clock.js';
    import { sleep } from './dist/core/base/clock.js';
    ${lines}`;
  return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stdout;
}

test('a timer alone lets the process end', async () => {
  expect(await output(`systemClock.after(60_000, () => {}); console.log('done');`)).toBe('done\n');
});

test('a process goes on while somebody waits on the clock', async () => {
  expect(await output(`await sleep(systemClock, 20); console.log('slept');`)).toBe('slept\n');
});

/** Each example is run as a user would run it, on a store in memory, and must say what it promises. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

async function output(example: string): Promise<string> {
  const program = join(process.cwd(), 'dist/examples', example, 'main.js');
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 25_000 });
  return stdout;
}

test('a mutex in a microservice: one of five requests charges the order', async () => {
  expect(await output('mutex-in-a-microservice')).toBe(
    'five requests for one order: charged, already charged, already charged, already charged, already charged\n',
  );
});

test('index builders: the second goes on where the first stopped', async () => {
  expect(await output('index-builders')).toBe(
    [
      'ada leads and begins with document 1',
      'ada stops at document 4',
      'bob leads and begins with document 5',
      'bob stops at document 10',
      '10 of 10 documents are in the index',
      '',
    ].join('\n'),
  );
});

test('config reload: a change is in force at once, a bad one is refused', async () => {
  const text = await output('config-reload');
  expect(text).toMatch(
    /^max is 100\nrelease .* is in force: limits\.max: 100 -> 250\nmax is 250\nrefused: .*\nmax is still 250\n$/,
  );
  expect(text).toContain('limits.max');
});

test('load balancing: calls are spread, and the broken instance is left out', async () => {
  const text = await output('load-balancing');
  expect(text).toContain('instances: one, three, two\n');
  const calls = new Map([...text.matchAll(/(.+): (\d+) calls/g)].map(([, answer, count]) => [answer, Number(count)]));
  const [one, three] = [calls.get('hello from one')!, calls.get('hello from three')!];
  expect(calls.get('two failed')).toBe(2);
  expect(one + three).toBe(10);
  expect(Math.abs(one - three)).toBeLessThanOrEqual(2);
});

test('big job: it starts when the last of its parts is ready', async () => {
  const lines = (await output('big-job')).split('\n');
  expect(lines.filter((line) => line.startsWith('chapter'))).toHaveLength(5);
  expect(lines).toContain('all parts are there: the big job starts');
  expect(lines).toContain('the report: chapter 1, chapter 2, chapter 3, chapter 4, chapter 5');
});

test('storage cluster: the elected master promotes a standby when the active metadata node is gone', async () => {
  const text = await output('storage-cluster');
  expect(text.match(/is the master/g)).toHaveLength(1);
  expect(text).toMatch(/metadata node meta-1 is active now\n/);
  expect(text).toMatch(/metadata node meta-2 is active now, for meta-1 is gone\n/);
  expect(text).toMatch(/2 object nodes, 24 disks/);
});

test('simulated invoices: a seed shows the bug, shows it again, and the guard is the cure', async () => {
  const lines = (await output('simulated-invoices')).split('\n');
  expect(lines[0]).toMatch(/^found with seed \d+: \S+ and \S+ both have the number \d+$/);
  expect(lines.slice(-3, -1)).toEqual([
    'the same seed shows the same again',
    'with guarded writes: nothing in 25 seeds',
  ]);
});

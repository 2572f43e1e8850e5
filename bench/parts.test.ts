import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { runParts } from './parts.js';

let ran: string[];
let complained: string;

beforeEach(() => {
  ran = [];
  complained = '';
  jest.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((complained += String(text))));
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const part = (name: string) => (ground: { rounds: number; programs: readonly { name: string }[]; under: string }) => {
  ran.push(`${name} ${ground.rounds} ${ground.programs.map((program) => program.name).join()}`);
  return Promise.resolve();
};
const PROGRAM = {
  script: 'bench:it',
  parts: { quick: part('quick'), wide: part('wide') },
  onlyNamed: { long: part('long') },
  numbers: { rounds: 20 },
};
const calledWith = (...args: string[]) => runParts(PROGRAM, ['--only', 'conclave', ...args]);

test('without a name all parts run, but those that must be named', async () => {
  await calledWith();
  expect(ran).toEqual(['quick 20 conclave', 'wide 20 conclave']);
});

test('parts that are named run in that order, with the numbers that are given', async () => {
  await calledWith('long', 'quick', '--rounds', '3');
  expect(ran).toEqual(['long 3 conclave', 'quick 3 conclave']);
});

test.each([
  [['toString'], /^no part toString\n/],
  [['quick', 'slow', 'slower'], /^no part slow,slower\n/],
  [['--rounds', '0'], /^--rounds 0 is not a whole number from 1 on\n/],
  [['--only', 'consul'], /^--only consul: there is conclave/],
  [['--turns', '3'], /'--turns'[^]*npm run bench:it -- \[PART\]\.\.\. \[--rounds N\] \[--only conclave\|etcd\]\n/],
])('%j is refused before anything runs', async (args, why) => {
  await expect(calledWith(...args)).rejects.toThrow('exit 2');
  expect(complained).toMatch(why);
  expect(ran).toEqual([]);
});

test('the folder is gone afterwards, whether the parts succeed or not', async () => {
  const folders = async () => (await readdir('.')).filter((name) => name.startsWith('.bench-')).length;
  const before = await folders();
  let during = 0;
  const failing = async () => {
    during = await folders();
    throw new Error('as it happens');
  };
  const failed = runParts({ ...PROGRAM, parts: { failing } }, ['--only', 'conclave']);
  await expect(failed).rejects.toThrow('as it happens');
  expect([during - before, (await folders()) - before]).toEqual([1, 0]);
});

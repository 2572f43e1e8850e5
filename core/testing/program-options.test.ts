import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { programOptions, wholeNumber } from './program-options.js';

const USAGE = 'npm run it -- [--rounds N]';
const OPTIONS = { rounds: { type: 'string', default: '10' } } as const;

let told: string;
let complained: string;

beforeEach(() => {
  told = complained = '';
  jest.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((told += String(text))));
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((complained += String(text))));
});
afterEach(() => {
  jest.restoreAllMocks();
});

const calledWith = (...args: string[]) => programOptions(USAGE, OPTIONS, args);

test('what is given counts, and else the default', () => {
  expect(calledWith('--rounds', '3')).toEqual({ rounds: '3' });
  expect(calledWith()).toEqual({ rounds: '10' });
});

test('--help says how the program is called, whatever else is there, and ends well', () => {
  expect(() => calledWith('--else', '--help')).toThrow('exit 0');
  expect(told).toBe(`${USAGE}\n`);
  expect(complained).toBe('');
});

test.each([[['--else']], [['--rounds']], [['stray']]])('%j ends it with 2, the word and the usage', (args) => {
  expect(() => calledWith(...args)).toThrow('exit 2');
  expect(complained).toContain(args[0]);
  expect(complained).toContain(USAGE);
});

test('a whole number is one from the least on', () => {
  expect(wholeNumber('rounds', '1', 1)).toBe(1);
  expect(wholeNumber('rounds', '270', 1)).toBe(270);
});

test.each(['0', '-1', '1.5', '1e3', '', 'many'])('"%s" is refused by the name of its option', (value) => {
  expect(() => wholeNumber('rounds', value, 1)).toThrow('exit 2');
  expect(complained).toBe(`--rounds ${value} is not a whole number from 1 on\n`);
});

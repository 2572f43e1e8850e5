import { describe, expect, it } from '@jest/globals';
import { parseSimulationArguments, UsageError } from './arguments.js';

const parse = (line: string) => parseSimulationArguments(line.split(' ').filter(Boolean), () => 123_456);

describe('the arguments of a simulation', () => {
  it('are 100 seeds from the first on in one process, unless told otherwise', () => {
    expect(parse('')).toMatchObject({ seedCount: 100, from: 1, jobs: 1, corpus: true, twice: false });
    expect(parse('--seeds 7 --from 30 --jobs 2 --twice --json out.json')).toMatchObject({
      seedCount: 7,
      from: 30,
      jobs: 2,
      twice: true,
      jsonFile: 'out.json',
    });
  });

  it('name one seed, and its faults', () => {
    expect(parse('--seed 42 --faults f.json')).toMatchObject({
      seedCount: 1,
      from: 42,
      faultsFile: 'f.json',
      corpus: false,
    });
  });

  it('give a time instead of a number', () => {
    expect(parse('--minutes 2')).toMatchObject({ minutes: 2, seedCount: 2 ** 31 });
    expect(parse('--seconds 30')).toMatchObject({ minutes: 0.5 });
    expect(parse('--minutes 2 --seeds 5')).toMatchObject({ minutes: 2, seedCount: 5 });
  });

  it('begin where nobody was before, by chance or by a commit', () => {
    expect(parse('--fresh').from).toBe(123_456);
    expect(parse('--commit 61fa911').from).toBe(0x61fa911 * 4);
    expect(parse('--commit fffffff').from).toBeLessThan(2 ** 31);
  });

  it.each([
    '--seeds 0',
    '--seeds x',
    '--jobs 0',
    '--minutes -1',
    '--faults f.json',
    '--commit zzz',
    '--sedes 3',
    '--from -1',
  ])('make no sense as %s', (line) => {
    expect(() => parse(line)).toThrow(UsageError);
  });
});

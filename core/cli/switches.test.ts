import { Command } from 'commander';
import { describe, expect, test } from '@jest/globals';
import { decided } from './switches.js';

function program(): Command {
  const program = new Command().option('--hex').option('--endpoints <x>').option('-w, --write-out <x>');
  program.command('get').alias('g').argument('<key>').option('--prefix').option('--rev <n>');
  const check = program.command('check');
  check.command('perf').option('--prefix <x>').option('--secure').option('--no-secure');
  return program;
}

describe('a switch', () => {
  test.each([
    ['get a --prefix=true', 'get a --prefix'],
    ['get a --prefix=false', 'get a'],
    ['--hex=1 get a', '--hex get a'],
    ['--endpoints get g a --prefix=T', '--endpoints get g a --prefix'],
    ['-w json get --prefix=0 a', '-w json get a'],
    // Not where it takes a text, is unknown, or belongs to a value.
    ['check perf --prefix=true', 'check perf --prefix=true'],
    ['get a --rev=1', 'get a --rev=1'],
    ['get a --prefix=maybe', 'get a --prefix=maybe'],
    ['get a --unknown=true', 'get a --unknown=true'],
    ['check perf --secure=false', 'check perf --no-secure'],
    // Nothing of what is not ours.
    ['get a -- --prefix=true', 'get a -- --prefix=true'],
  ])('%s is %s', (line, plain) => {
    expect(decided(line.split(' '), program())).toEqual(plain.split(' '));
  });
});

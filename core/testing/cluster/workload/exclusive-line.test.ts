import { expect, test } from '@jest/globals';
import { toBytes } from '../../../base/bytes.js';
import type { Event } from '../../../base/key-value.js';
import { ExclusiveLine, guardedValue } from './exclusive-line.js';
import { Verdict } from './verdict.js';

function line(): { verdict: Verdict; of: ExclusiveLine } {
  const verdict = new Verdict();
  return { verdict, of: new ExclusiveLine('lock', { linePrefix: 'q/', guardedKey: 'g', verdict }) };
}

function put(key: string, revision: number, value = ''): Event {
  const kv = { createRevision: revision, modRevision: revision, version: 1, lease: 0n };
  return { type: 'put', kv: { ...kv, key: toBytes(key), value: toBytes(value) } };
}

function gone(key: string, revision: number): Event {
  return { ...put(key, revision), type: 'delete' };
}

const write = (token: number, revision: number) => put('g', revision, guardedValue({ token, holder: 'h' }, 'h.1'));

test('the first of the line writes, then the next', () => {
  const { verdict, of } = line();
  for (const event of [put('q/a', 2), put('q/b', 3), write(2, 4), gone('q/a', 5), write(3, 6)]) of.take(event);

  expect(verdict.isClean).toBe(true);
});

test.each([
  ['of one who waits', [put('q/a', 2), put('q/b', 3), write(3, 4)]],
  ['of one who is gone', [put('q/a', 2), put('q/b', 3), gone('q/a', 4), write(2, 5)]],
  ['of nobody in line', [write(2, 3)]],
])('a write %s is found', (_, events) => {
  const { verdict, of } = line();
  for (const event of events) of.take(event);

  expect(verdict.isClean).toBe(false);
});

test('two holders with one token are found', () => {
  const { verdict, of } = line();
  of.granted({ token: 2, holder: 'a' });
  of.granted({ token: 3, holder: 'b' });
  expect(verdict.isClean).toBe(true);
  of.granted({ token: 3, holder: 'a' });

  expect(verdict.findings).toEqual(['lock: a and b both have token 3']);
});

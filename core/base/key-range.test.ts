import { expect, test } from '@jest/globals';
import { toBytes } from './bytes.js';
import { contains, everything, fromKey, isOpenEnded, key, prefix, range } from './key-range.js';

const end = (target: { end?: Uint8Array }) => [...(target.end ?? [])];

test('a prefix ends where its last byte below 0xff is one higher', () => {
  expect(end(prefix('ab'))).toEqual([...toBytes('ac')]);
  expect(end(prefix(Uint8Array.of(0x61, 0xff)))).toEqual([0x62]);
  expect(end(prefix(Uint8Array.of(0x61, 0xfe, 0xff, 0xff)))).toEqual([0x61, 0xff]);
});

test('a prefix of 0xff only has no end, and an empty one is everything', () => {
  expect(isOpenEnded(prefix(Uint8Array.of(0xff, 0xff)).end!)).toBe(true);
  expect(prefix('')).toEqual(everything());
});

test.each([
  ['one key', key('b'), 'b'],
  ['a prefix', prefix('b'), 'b,ba,bz'],
  ['a range, without its end', range('a', 'bz'), 'a,b,ba'],
  ['from a key on', fromKey('ba'), 'ba,bz,c'],
  ['everything', everything(), 'a,b,ba,bz,c'],
  ['an inverted range', range('c', 'a'), ''],
])('%s contains its keys', (_, target, expected) => {
  const all = ['a', 'b', 'ba', 'bz', 'c'];
  expect(all.filter((name) => contains(target, toBytes(name))).join(',')).toBe(expected);
});

test('a prefix leaves the bytes it was given as they were', () => {
  const start = Buffer.from('ab');
  prefix(start);
  expect(start.toString()).toBe('ab');
});

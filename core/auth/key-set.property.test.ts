import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contains, everything, fromKey, key, prefix, range } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import { KeySet } from './key-set.js';

/** Few letters and short keys, so that ranges meet; among them the lowest and the highest byte. */
const letter = fc.constantFrom(0, 0x61, 0x62, 0x63, 0xff);
const bytes = fc.array(letter, { minLength: 1, maxLength: 3 }).map((letters) => Uint8Array.from(letters));
const granted: fc.Arbitrary<KeyRange> = fc.oneof(
  bytes.map(key),
  bytes.map(prefix),
  bytes.map(fromKey),
  fc.constant(everything()),
  fc.tuple(bytes, bytes).map(([a, b]) => (Buffer.compare(a, b) < 0 ? range(a, b) : key(a))),
);
const asked = fc.oneof(
  granted,
  fc.tuple(bytes, bytes).map(([a, b]) => range(a, b)),
);

/** Every key of up to four of these letters: more than any border of a range of three. */
const UNIVERSE: readonly Uint8Array[] = [1, 2, 3, 4].flatMap((length) => wordsOf(length));

function wordsOf(length: number): Uint8Array[] {
  const shorter = length === 1 ? [[]] : wordsOf(length - 1).map((word) => [...word]);
  return shorter.flatMap((word) => [0, 1, 0x61, 0x62, 0x63, 0xff].map((last) => Uint8Array.from([...word, last])));
}

test('a range is held when each of its keys is in some of the ranges that make the set', () => {
  fc.assert(
    fc.property(fc.array(granted, { maxLength: 5 }), asked, (ranges, wanted) => {
      const set = new KeySet(ranges);

      const keys = UNIVERSE.filter((candidate) => contains(wanted, candidate));
      const isHeld = keys.every((candidate) => ranges.some((range) => contains(range, candidate)));
      // What has no end holds keys beyond all that are tried, so only a range without an end holds it.
      const isOpen = wanted.end?.length === 1 && wanted.end[0] === 0;
      const hasOpen = ranges.some(({ end }) => end?.length === 1 && end[0] === 0);

      if (keys.length > 0) expect(set.holds(wanted)).toBe(isHeld && (!isOpen || hasOpen));
      else expect(set.holds(wanted)).toBe(ranges.some((range) => contains(range, wanted.key)));
    }),
    { seed: 7, numRuns: 400 },
  );
});

test('a right to one key is none to what begins there', () => {
  const set = new KeySet([key('a')]);

  expect(set.holds(key('a'))).toBe(true);
  expect(set.holds(range('a', Buffer.from('a\0')))).toBe(true);
  for (const more of [fromKey('a'), range('a', 'b'), prefix('a'), everything()]) expect(set.holds(more)).toBe(false);
});

test('ranges that touch are one, and those between which a key could be are two', () => {
  const set = new KeySet([range('f', 'h'), range('c', 'f'), key('b')]);

  expect(set.holds(range('d', 'g'))).toBe(true);
  expect(set.holds(range('c', 'h'))).toBe(true);
  expect(set.holds(range('b', 'd'))).toBe(false);
  expect(set.holds(range('g', 'i'))).toBe(false);
});

test('what has no end is held by what has none alone', () => {
  const highest = Uint8Array.from([0xff, 0xff, 0xff]);

  expect(new KeySet([range('a', highest)]).holds(fromKey('b'))).toBe(false);
  expect(new KeySet([fromKey('a')]).holds(fromKey('b'))).toBe(true);
  expect(new KeySet([fromKey('b')]).holds(fromKey('a'))).toBe(false);
  expect(new KeySet([everything()]).holds(range('a', highest))).toBe(true);
});

test('an empty set holds nothing, not even a range without keys', () => {
  const set = new KeySet([]);

  for (const wanted of [key('a'), everything(), range('b', 'a')]) expect(set.holds(wanted)).toBe(false);
});

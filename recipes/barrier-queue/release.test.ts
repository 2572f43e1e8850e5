import { expect, test } from '@jest/globals';
import {
  all,
  any,
  item,
  items,
  key,
  keysNamed,
  linger,
  lingerMsOf,
  manual,
  neededItems,
  proofOf,
  type Release,
  type RoundFacts,
  unmetOf,
} from './release.js';

const facts = (known: Partial<RoundFacts> = {}): RoundFacts => ({
  round: 7,
  itemCount: 2,
  hasItem: (id) => id === 'here',
  hasKey: (name) => name === 'flag/7',
  consented: false,
  lingered: false,
  ...known,
});

const isDue = (release: Release, known: Partial<RoundFacts> = {}) => proofOf(release, facts(known)) !== undefined;

test('a number of items is there, or one is missing', () => {
  expect(isDue(items(2))).toBe(true);
  expect(isDue(items(3))).toBe(false);
});

test('a named item, a key of the round, a word and an alarm are each waited for', () => {
  expect([isDue(item('here')), isDue(item('there'))]).toEqual([true, false]);
  expect([isDue(key((round) => `flag/${round}`)), isDue(key('flag'))]).toEqual([true, false]);
  expect([isDue(manual(), { consented: true }), isDue(manual())]).toEqual([true, false]);
  expect([isDue(linger('1s'), { lingered: true }), isDue(linger('1s'))]).toEqual([true, false]);
});

test('all asks for each, any for one, and they nest', () => {
  expect(isDue(all(items(2), item('here')))).toBe(true);
  expect(isDue(all(items(2), item('there')))).toBe(false);
  expect(isDue(any(items(3), item('here')))).toBe(true);
  expect(isDue(any(items(3), item('there')))).toBe(false);
  expect(isDue(all(any(items(3), item('here')), any(manual(), items(2))))).toBe(true);
});

test('a round without an item is never released', () => {
  expect(isDue(manual(), { itemCount: 0, consented: true })).toBe(false);
  expect(isDue(linger('1s'), { itemCount: 0, lingered: true })).toBe(false);
});

test('the word of a hand releases any round, but where the release waits for it, it is one condition of several', () => {
  expect(isDue(items(3), { consented: true })).toBe(true);
  expect(isDue(all(items(3), manual()), { consented: true })).toBe(false);
});

test('the proof compares the keys that it rests on, and no others', () => {
  const ready = key('flag/7');

  expect(proofOf(all(items(2), ready), facts())).toHaveLength(1);
  expect(proofOf(any(items(2), ready), facts())).toEqual([]);
  expect(proofOf(any(items(3), ready), facts())).toHaveLength(1);
});

test('what is missing is told in words', () => {
  expect(unmetOf(items(2), facts())).toEqual([]);
  expect(unmetOf(items(3), facts({ itemCount: 0 }))).toEqual(['a first item']);
  expect(unmetOf(all(items(2), key('flag'), manual()), facts())).toEqual(['key flag', 'a call of open()']);
  expect(unmetOf(any(items(3), linger('30s')), facts())).toEqual(['3 items or 30s since the first item']);
});

test('the number needed is the largest of all and the smallest of any', () => {
  expect(neededItems(all(items(2), items(5), manual()))).toBe(5);
  expect(neededItems(any(items(2), items(5), manual()))).toBe(2);
  expect(neededItems(manual())).toBeUndefined();
});

test('a key that is named twice is read once', () => {
  expect(
    keysNamed(
      any(
        key('flag'),
        all(
          key('flag'),
          key((round) => `flag/${round}`),
        ),
      ),
      7,
    ),
  ).toEqual(['flag', 'flag/7']);
});

test('one linger is found wherever it stands, and two are refused', () => {
  expect(lingerMsOf(all(items(2), any(manual(), linger('30s'))))).toBe(30_000);
  expect(lingerMsOf(items(2))).toBeUndefined();
  expect(() => lingerMsOf(any(linger('1s'), linger('2s')))).toThrow('one linger at most');
});

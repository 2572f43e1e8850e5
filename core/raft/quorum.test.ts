import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isMajority, majorityIndex } from './quorum.js';
import type { MemberId } from './types.js';

/** Voters 1, 2, 3, ... that hold these indexes. */
function majorityOf(...matched: readonly number[]): number {
  const voters = matched.map((_, position) => BigInt(position + 1));
  return majorityIndex(voters, (voter) => matched[Number(voter) - 1] as number);
}

test.each([
  [[4], 4],
  [[4, 6], 4],
  [[7, 4, 5], 5],
  [[7, 4, 5, 4], 4],
  [[7, 4, 5, 6, 0], 5],
  [[9, 8, 7, 3, 2, 1], 3],
  [[9, 8, 7, 4, 2, 1, 0], 4],
])('of voters that hold %j a majority holds %d', (matched, expected) => {
  expect(majorityOf(...matched)).toBe(expected);
});

test('indexes are compared as numbers', () => {
  expect(majorityOf(100, 9, 20, 3, 30)).toBe(20);
});

test('for 1 to 7 voters the majority index is the highest that more than half hold', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 7 }), (matched) => {
      const holders = (index: number) => matched.filter((each) => each >= index).length;
      const index = majorityOf(...matched);
      expect(holders(index) * 2).toBeGreaterThan(matched.length);
      expect(holders(index + 1) * 2).toBeLessThanOrEqual(matched.length);
    }),
    { seed: 7 },
  );
});

test('for 1 to 7 voters a majority is one more than half, and not one less', () => {
  for (let count = 1; count <= 7; count += 1) {
    const voters = Array.from({ length: count }, (_, position) => BigInt(position + 1));
    const needed = Math.floor(count / 2) + 1;
    expect(isMajority(voters, new Set(voters.slice(0, needed)))).toBe(true);
    expect(isMajority(voters, new Set(voters.slice(0, needed - 1)))).toBe(false);
  }
});

test('votes of members that do not vote do not count', () => {
  const strangers = new Set<MemberId>([1n, 8n, 9n]);
  expect(isMajority([1n, 2n, 3n], strangers)).toBe(false);
});

test('there is no majority of nobody', () => {
  expect(() => majorityIndex([], () => 0)).toThrow('a configuration has a voter');
});

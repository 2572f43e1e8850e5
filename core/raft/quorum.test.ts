import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isMember, isQuorum, isVoter, majorityIndex, membersOf, quorumIndex, votersOf } from './quorum.js';
import { votersOnly } from './testing/raft-fixture.js';
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
    const agreeing = (number: number) => isQuorum(votersOnly(...voters), (voter) => voter <= BigInt(number));
    expect([agreeing(needed), agreeing(needed - 1)]).toEqual([true, false]);
  }
});

test('votes of members that do not vote do not count', () => {
  const configuration = { voters: [1n, 2n, 3n], learners: [8n, 9n] };
  expect(isQuorum(configuration, (id) => id === 1n || id > 7n)).toBe(false);
});

test('there is no majority of nobody', () => {
  expect(() => majorityIndex([], () => 0)).toThrow('a configuration has a voter');
  expect(isQuorum(votersOnly(), () => true)).toBe(false);
});

test('a joint configuration needs both majorities, to agree and to commit', () => {
  const joint = { voters: [1n, 4n, 5n], outgoing: [1n, 2n, 3n], learners: [] };
  const agree = (...ids: readonly MemberId[]) => isQuorum(joint, (id) => ids.includes(id));
  expect([agree(4n, 5n), agree(1n, 2n), agree(1n, 2n, 4n), agree(2n, 3n, 4n, 5n)]).toEqual([false, false, true, true]);
  const matched = new Map([
    [1n, 9],
    [2n, 3],
    [3n, 4],
    [4n, 7],
    [5n, 2],
  ] as const);
  expect(quorumIndex(joint, (id) => matched.get(id as 1n)!)).toBe(4);
  expect(quorumIndex(votersOnly(1n, 4n, 5n), (id) => matched.get(id as 1n)!)).toBe(7);
});

test('members are those who vote, by the old or the new majority, and those who learn', () => {
  const joint = { voters: [5n, 1n], outgoing: [1n, 3n], learners: [3n, 7n] };
  expect(votersOf(joint)).toEqual([1n, 3n, 5n]);
  expect(membersOf(joint)).toEqual(new Set([5n, 1n, 3n, 7n]));
  expect([1n, 3n, 5n, 7n, 9n].map((id) => isVoter(joint, id))).toEqual([true, true, true, false, false]);
  expect([1n, 3n, 5n, 7n, 9n].map((id) => isMember(joint, id))).toEqual([true, true, true, true, false]);
});

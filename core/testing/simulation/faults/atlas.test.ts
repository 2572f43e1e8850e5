import { describe, expect, test } from '@jest/globals';
import { isRepairable } from './atlas.js';

describe('what a quorum can repair', () => {
  test.each<[string, bigint[], bigint[], bigint[], boolean]>([
    ['one of three', [1n, 2n, 3n], [], [3n], true],
    ['two of three', [1n, 2n, 3n], [], [2n, 3n], false],
    ['one of two', [1n, 2n], [], [2n], false],
    ['a learner of three, who would be one of four', [1n, 2n, 3n], [4n], [4n], true],
    ['the learner of one, who would be one of two', [1n], [4n], [4n], false],
    ['one of three and a learner, who would be two of four', [1n, 2n, 3n], [4n], [3n, 4n], false],
  ])('%s', (_what, voters, learners, damaged, expected) => {
    expect(isRepairable({ voters, learners }, new Set(damaged))).toBe(expected);
  });

  test('needs a majority of those too who are leaving', () => {
    const joint = { voters: [1n, 2n, 3n], learners: [], outgoing: [3n, 4n] };
    expect(isRepairable(joint, new Set([3n]))).toBe(false);
    expect(isRepairable(joint, new Set([1n]))).toBe(true);
  });
});

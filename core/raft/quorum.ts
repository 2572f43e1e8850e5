import { assert } from '../base/assert.js';
import type { MemberId } from './types.js';

/**
 * The highest index that a majority of the voters holds durably.
 *
 * For example voters hold 7, 4 and 5: sorted 4, 5, 7, so two of the three hold 5. With 7, 4, 5 and 4, three of the four
 * must agree, and only 4 is held by three.
 *
 * @param matchedIndex - the highest index that a voter is known to hold durably
 * @remarks Source: Ongaro 2014, section 3.6.2 (the entry's own term is the caller's to check).
 */
export function majorityIndex(voters: readonly MemberId[], matchedIndex: (voter: MemberId) => number): number {
  assert(voters.length > 0, 'a configuration has a voter');
  const ascending = voters.map(matchedIndex).sort((a, b) => a - b);
  return ascending[voters.length - majorityOf(voters.length)] as number;
}

/** Whether those who granted their vote are a majority of the voters. */
export function isMajority(voters: readonly MemberId[], granted: ReadonlySet<MemberId>): boolean {
  return voters.filter((voter) => granted.has(voter)).length >= majorityOf(voters.length);
}

/** The least number of voters such that any two such groups share one. */
function majorityOf(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

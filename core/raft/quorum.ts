import { assert } from '../base/assert.js';
import type { Configuration, MemberId } from './types.js';

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
  if (voters.length === 1) return matchedIndex(voters[0] as MemberId);
  const ascending = voters.map(matchedIndex).sort((a, b) => a - b);
  return ascending[voters.length - majorityOf(voters.length)] as number;
}

/** As {@link majorityIndex}; while the configuration is joint, of both majorities (Ongaro 2014, section 4.3). */
export function quorumIndex({ voters, outgoing }: Configuration, matchedIndex: (voter: MemberId) => number): number {
  const index = majorityIndex(voters, matchedIndex);
  return outgoing === undefined ? index : Math.min(index, majorityIndex(outgoing, matchedIndex));
}

/** Whether those voters of whom `agrees` is true can decide. While the configuration is joint, they must be two majorities. */
export function isQuorum({ voters, outgoing }: Configuration, agrees: (voter: MemberId) => boolean): boolean {
  return isMajority(voters, agrees) && (outgoing === undefined || isMajority(outgoing, agrees));
}

/** Nobody is no majority: a configuration without voters decides nothing. */
function isMajority(voters: readonly MemberId[], agrees: (voter: MemberId) => boolean): boolean {
  return voters.filter(agrees).length >= majorityOf(voters.length);
}

/** The least number of voters such that any two such groups share one. */
function majorityOf(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/** Whether a member has a vote, be it an old one that it is about to lose. */
export function isVoter({ voters, outgoing }: Configuration, id: MemberId): boolean {
  return voters.includes(id) || (outgoing !== undefined && outgoing.includes(id));
}

/** Everybody who has a vote, each once, in the order of their ids. */
export function votersOf({ voters, outgoing = [] }: Configuration): readonly MemberId[] {
  return [...new Set([...voters, ...outgoing])].sort((a, b) => (a < b ? -1 : 1));
}

/** Everybody who receives the log, each once. */
export function membersOf({ voters, outgoing = [], learners }: Configuration): ReadonlySet<MemberId> {
  return new Set([...voters, ...outgoing, ...learners]);
}

/** Whether a member receives the log. */
export function isMember(configuration: Configuration, id: MemberId): boolean {
  return isVoter(configuration, id) || configuration.learners.includes(id);
}

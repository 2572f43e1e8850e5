import type { Identity } from '../../member/identity.js';
import type { PeerMessage } from '../../peer/types.js';
import { type HardState, type MemberId, NO_MEMBER, type StoredLog } from '../../raft/types.js';
import { mustHold } from './violation.js';

/** What somebody was told, and must therefore still be so after a crash. */
export class Promises {
  /** The last entry whose effects somebody was told of. */
  index = 0;
  revision = 0;
  /** Who the member is, once anybody knows. */
  identity: Identity | undefined;
  #term = 0;
  readonly #votes = new Map<number, MemberId>();
  /** The last entry of which a leader of this term was told that it is durable here. */
  #matched = { leaderTerm: 0, index: 0 };

  /** An answer was given when so much was applied. */
  answered(index: number, revision: number): void {
    this.index = Math.max(this.index, index);
    this.revision = Math.max(this.revision, revision);
  }

  /** The member said this to another one. */
  said(message: PeerMessage): void {
    if (!('term' in message) || !('to' in message)) return;
    // A pre-vote promises nothing, and speaks of a term that may never be.
    if (message.type === 'requestPreVote' || message.type === 'preVoteAnswer') return;
    this.#term = Math.max(this.#term, message.term);
    if (message.type === 'requestVote') this.#votes.set(message.term, message.from);
    if (message.type === 'voteAnswer' && message.granted) this.#votes.set(message.term, message.to);
    if (message.type !== 'appendEntriesAnswer' || !message.accepted) return;
    const { term: leaderTerm, matchedIndex } = message;
    const isLater = leaderTerm > this.#matched.leaderTerm || matchedIndex > this.#matched.index;
    if (isLater) this.#matched = { leaderTerm, index: matchedIndex };
  }

  /** The member was found like this, and nothing was undone since. */
  found({ term, votedFor }: HardState, { firstIndex, entries }: StoredLog): void {
    this.#term = Math.max(this.#term, term);
    if (votedFor !== NO_MEMBER) this.#votes.set(term, votedFor);
    this.#matched = { ...this.#matched, index: Math.max(this.#matched.index, firstIndex + entries.length - 1) };
  }

  /** @throws {@link Violation} if a log that was read back has forgotten something */
  check({ term, votedFor }: HardState, { firstIndex, entries }: StoredLog): void {
    mustHold(term >= this.#term, () => `the member is in term ${term}, and has spoken in term ${this.#term}`);
    const vote = this.#votes.get(term);
    mustHold(
      vote === undefined || vote === votedFor,
      () => `the member's vote of term ${term} is ${votedFor}, and it has voted for ${vote}`,
    );
    const lastIndex = firstIndex + entries.length - 1;
    mustHold(
      lastIndex >= this.#matched.index,
      () => `the log ends at entry ${lastIndex}, and the leader was told that it has entry ${this.#matched.index}`,
    );
  }

  copy(): Promises {
    const copy = new Promises();
    Object.assign(copy, { index: this.index, revision: this.revision, identity: this.identity });
    copy.#term = this.#term;
    copy.#matched = this.#matched;
    for (const [term, vote] of this.#votes) copy.#votes.set(term, vote);
    return copy;
  }
}

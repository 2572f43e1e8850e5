import type { PeerMessage, StateHash, StateHashAnswer } from '../peer/types.js';
import type { MemberId } from '../raft/types.js';

export interface DivergenceParts {
  readonly memberId: MemberId;
  readonly appliedIndex: () => number;
  /** The running hash after an entry; undefined if it is not known (any more). */
  readonly hashAt: (index: number) => number | undefined;
  readonly send: (to: MemberId, message: PeerMessage) => void;
  /** This member's state is not what the cluster agreed on. */
  readonly onDiverged: (afterIndex: number, upToIndex: number) => void;
}

/** Those whose answers a leader compares, as they are when it asks. */
export interface Electorate {
  readonly voters: readonly MemberId[];
  /** Everybody who applies the log, voters among them, without the leader. */
  readonly others: readonly MemberId[];
  /** Who answers at present. */
  readonly isActive: (id: MemberId) => boolean;
}

/** One comparison: what everybody's state was after the same entry. */
interface Poll {
  readonly index: number;
  readonly electorate: Electorate;
  readonly hashes: Map<MemberId, number | undefined>;
  /** Whether a whole interval has passed since it was asked. */
  isDue: boolean;
}

/**
 * Finds members whose state differs. The same entries give the same state everywhere, and a running hash says so; the
 * leader asks everybody for theirs, after the last entry that it has applied, as often as it sends heartbeats. Whoever
 * differs from a majority of the voters stops; if there is no majority, those who differ from the leader do, for one of
 * the two is wrong and only one can go on.
 */
export class Divergence {
  readonly #parts: DivergenceParts;
  #poll: Poll | undefined;
  /** At the leader: the last index at which each was seen to agree with it. */
  readonly #equalUpTo = new Map<MemberId, number>();
  /** The last index at which the leader's question agreed with this member. */
  #ownEqualUpTo = 0;
  /** A question that waits until this member has applied as much. */
  #question: (StateHash & { readonly from: MemberId }) | undefined;

  constructor(parts: DivergenceParts) {
    this.#parts = parts;
  }

  /** This member leads, or leads no more: nothing is known of the others. */
  reset(): void {
    this.#poll = undefined;
    this.#equalUpTo.clear();
  }

  /** At the leader, once a heartbeat interval. */
  ask(electorate: Electorate): void {
    const { appliedIndex, hashAt, memberId, send } = this.#parts;
    if (this.#poll !== undefined) {
      this.#poll.isDue = true;
      this.#decide(this.#poll);
    }
    const index = appliedIndex();
    const hash = hashAt(index);
    // Where nothing was applied since all agreed, all agree still.
    const isNews = electorate.others.some((id) => electorate.isActive(id) && (this.#equalUpTo.get(id) ?? 0) < index);
    if (hash === undefined || !isNews) return;
    // Where nothing was applied since the last question, those are asked again whose answer is missing.
    const known = this.#poll?.index === index ? this.#poll.hashes : new Map([[memberId, hash]]);
    this.#poll = { index, electorate, hashes: known, isDue: false };
    for (const id of electorate.others) {
      if (electorate.isActive(id) && !known.has(id)) send(id, { type: 'stateHash', index, hash });
    }
  }

  /** At the leader. */
  onAnswer(from: MemberId, { index, hash }: StateHashAnswer): void {
    const poll = this.#poll;
    if (poll === undefined || poll.index !== index) return;
    poll.hashes.set(from, hash);
    if (hash === poll.hashes.get(this.#parts.memberId)) this.#equalUpTo.set(from, index);
    this.#decide(poll);
  }

  /** At everybody else. The first question that waits is not crowded out by later ones, or none would be answered. */
  onAsked(from: MemberId, question: StateHash): void {
    if (this.#question === undefined || this.#question.from !== from) this.#question = { ...question, from };
    this.applied();
  }

  /** More entries were applied here. */
  applied(): void {
    const question = this.#question;
    if (question === undefined || question.index > this.#parts.appliedIndex()) return;
    this.#question = undefined;
    const { index, from } = question;
    const hash = this.#parts.hashAt(index);
    if (hash === question.hash) this.#ownEqualUpTo = index;
    this.#parts.send(from, { type: 'stateHashAnswer', index, hash });
  }

  /** At whoever is told that it differs. */
  onTold({ afterIndex, upToIndex }: { readonly afterIndex: number; readonly upToIndex: number }): void {
    this.#parts.onDiverged(Math.max(afterIndex, Math.min(this.#ownEqualUpTo, upToIndex - 1)), upToIndex);
  }

  #decide(poll: Poll): void {
    const agreed = this.#agreedOf(poll);
    if (agreed === undefined) return;
    const { memberId } = this.#parts;
    for (const [id, hash] of poll.hashes) {
      if (hash === undefined || hash === agreed) continue;
      if (id === memberId) this.#parts.onDiverged(this.#lastMajority(poll, agreed), poll.index);
      else this.#tell(id, poll.index);
    }
  }

  /** The hash of a majority of the voters; the leader's own where there can be none. */
  #agreedOf({ electorate, hashes, isDue }: Poll): number | undefined {
    const { voters, isActive } = electorate;
    const votes = new Map<number, number>();
    for (const voter of voters) {
      const hash = hashes.get(voter);
      if (hash !== undefined) votes.set(hash, (votes.get(hash) ?? 0) + 1);
    }
    for (const [hash, count] of votes) if (count > voters.length / 2) return hash;
    const haveAnswered = voters.every((voter) => hashes.has(voter) || !isActive(voter));
    return isDue && haveAnswered ? hashes.get(this.#parts.memberId) : undefined;
  }

  /** Where the leader itself last agreed with somebody of those who now agree without it. */
  #lastMajority({ hashes }: Poll, agreed: number): number {
    const equal = [...hashes].filter(([, hash]) => hash === agreed).map(([id]) => this.#equalUpTo.get(id) ?? 0);
    return Math.max(0, ...equal);
  }

  #tell(id: MemberId, upToIndex: number): void {
    this.#parts.send(id, { type: 'diverged', afterIndex: this.#equalUpTo.get(id) ?? 0, upToIndex });
  }
}

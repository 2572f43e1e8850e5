import type { Clock } from '../base/clock.js';
import { NoLeaderError } from '../base/errors.js';
import type { Raft } from '../raft/raft.js';
import type { MemberId } from '../raft/types.js';

export interface LeadershipParts {
  readonly raft: Raft;
  readonly clock: Clock;
  /** The term of the last entry that was applied. */
  readonly appliedTerm: () => number;
  readonly electionTimeoutMs: number;
  /** What else is known of why nobody leads, for whoever is refused because of it. */
  readonly why: () => string | undefined;
}

/** Who leads, and since when; looks after every turn, and tells whom it concerns. */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #onLeader = new Set<(leader: MemberId | undefined) => void>();
  readonly #onServing = new Set<(isServing: boolean) => void>();
  #leader: MemberId | undefined;
  #term = 0;
  #isServing = false;
  #hasHadLeader = false;
  /** Since when nobody is known to lead; undefined while somebody is. */
  #leaderlessSinceMs: number | undefined;
  /** This member leads and is about to hand over: it takes no more proposals. */
  isHandingOver = false;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
    this.#leaderlessSinceMs = parts.clock.now();
  }

  /** Whether this member has known a leader since it started. */
  get hasHadLeader(): boolean {
    return this.#hasHadLeader;
  }

  /** Whether this member leads and has applied everything that was committed before its term. */
  get isServing(): boolean {
    const { raft, appliedTerm } = this.#parts;
    return raft.role === 'leader' && appliedTerm() === raft.term;
  }

  /** Calls back when another member leads, or the same in a later term, or none any more. */
  onLeader(callback: (leader: MemberId | undefined) => void): () => void {
    this.#onLeader.add(callback);
    return () => void this.#onLeader.delete(callback);
  }

  /** Calls back when this member begins, and when it ceases, to lead with everything applied that came before. */
  onServing(callback: (isServing: boolean) => void): void {
    this.#onServing.add(callback);
  }

  /** The error for whoever would wait in vain: nobody has been known to lead for two election timeouts. */
  leaderless(): NoLeaderError | undefined {
    const { clock, electionTimeoutMs, why } = this.#parts;
    const since = this.#leaderlessSinceMs;
    if (since === undefined || clock.now() - since < 2 * electionTimeoutMs) return undefined;
    return new NoLeaderError(why());
  }

  /** @throws {@link NoLeaderError} as {@link leaderless} says */
  assertNotLeaderless(): void {
    const error = this.leaderless();
    if (error !== undefined) throw error;
  }

  /** Looks what has changed. */
  check(): void {
    const { raft, clock } = this.#parts;
    const { leader, term } = raft;
    const isServing = this.isServing;
    // A leader that lost its term and won the next one between two looks has ceased and begun.
    if (this.#isServing && (!isServing || term !== this.#term)) this.#setServing(false);
    if (leader !== this.#leader || (leader !== undefined && term !== this.#term)) {
      this.#leader = leader;
      this.#hasHadLeader ||= leader !== undefined;
      this.#leaderlessSinceMs = leader === undefined ? (this.#leaderlessSinceMs ?? clock.now()) : undefined;
      if (raft.role !== 'leader') this.isHandingOver = false;
      this.#term = term;
      for (const callback of [...this.#onLeader]) callback(leader);
    }
    this.#term = term;
    if (isServing && !this.#isServing) this.#setServing(true);
  }

  #setServing(isServing: boolean): void {
    this.#isServing = isServing;
    for (const callback of [...this.#onServing]) callback(isServing);
  }
}

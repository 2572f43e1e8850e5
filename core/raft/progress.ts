import { InflightWindow } from './inflight-window.js';
import type { MemberId } from './types.js';

/** What a leader tells of another member. */
export interface FollowerProgress {
  readonly id: MemberId;
  /** The last entry that it is known to hold durably. */
  readonly matchedIndex: number;
  readonly state: ProgressState;
  /** Whether it was heard from within an election timeout. */
  readonly isActive: boolean;
  readonly isLearner: boolean;
}

/**
 * - `probe`: where its log agrees is not known; one message at a time.
 * - `replicate`: it takes what it is sent; messages follow each other without waiting for answers.
 * - `snapshot`: what it needs is compacted; nothing is sent to it until a snapshot has arrived.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/**
 * How far a leader knows one follower to be, and what it may send next.
 *
 * ```
 *             ┌──────── rejected, unreachable ────────┐
 *             ▼                                       │
 *   ──────► probe ────────── accepted ──────────► replicate
 *             │ ▲                                     │
 *  needs what │ │ arrived,                            │ needs what is compacted
 * is compacted│ │ failed                              │
 *             ▼ │                                     │
 *           snapshot ◄────────────────────────────────┘
 * ```
 *
 * Always `matchedIndex < nextIndex`.
 *
 * @remarks Source: Ongaro 2014, figure 3.1 (nextIndex, matchIndex) and section 10.2.1 (pipelining); etcd's raft library
 * on the three states.
 */
export class Progress {
  matchedIndex = 0;
  nextIndex: number;
  /** The highest round of reads that it has answered in this term. */
  confirmedRound = 0;
  /** Ticks since it was last heard from, or since it is known. */
  silentTicks = 0;
  wasHeard = false;
  #state: ProgressState = 'probe';
  /** Probing: the one message is under way, or was lost. */
  #isPaused = false;
  /** It answers heartbeats but has not acknowledged everything; an empty message will tell where it is. */
  #isInDoubt = false;
  /** What it was told of what is committed. */
  #toldCommitIndex = 0;
  readonly #inflight: InflightWindow;

  constructor(nextIndex: number, limits: { readonly messagesMax: number; readonly bytesMax: number }) {
    this.nextIndex = nextIndex;
    this.#inflight = new InflightWindow(limits);
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** Whether it is to be sent a message now, given where the leader's log ends and how far it is committed. */
  wants(lastIndex: number, commitIndex: number): boolean {
    switch (this.#state) {
      case 'snapshot':
        return false;
      case 'probe':
        return !this.#isPaused || this.#isInDoubt;
      case 'replicate':
        return this.#isInDoubt || (!this.#inflight.isFull && this.#hasNews(lastIndex, commitIndex));
    }
  }

  /** Whether the message that it wants carries entries, or only asks and tells. */
  get takesEntries(): boolean {
    return !this.#isInDoubt;
  }

  /** A message was sent: entries from `nextIndex` to `lastIndex`; none if that is before. */
  sent(lastIndex: number, bytes: number, commitIndex: number): void {
    this.#isInDoubt = false;
    this.#toldCommitIndex = commitIndex;
    if (this.#state === 'probe') this.#isPaused = true;
    else if (lastIndex >= this.nextIndex) {
      this.#inflight.add(lastIndex, bytes);
      this.nextIndex = lastIndex + 1;
    }
  }

  heard(): void {
    this.silentTicks = 0;
    this.wasHeard = true;
  }

  /**
   * It holds everything up to `index`.
   *
   * @param firstIndex - the first entry that the leader still has: from there on it can go on without a snapshot
   */
  accepted(index: number, firstIndex: number): void {
    this.matchedIndex = Math.max(this.matchedIndex, index);
    this.nextIndex = Math.max(this.nextIndex, this.matchedIndex + 1);
    this.#inflight.freeTo(this.matchedIndex);
    if (this.#state === 'probe' && index === this.matchedIndex) this.#becomeReplicate();
    if (this.#state === 'snapshot' && this.nextIndex >= firstIndex) this.#becomeReplicate();
  }

  /**
   * It does not hold the entry before a message's first one, `previousIndex`; at `mayAgreeAt` it still may.
   *
   * An answer that is older than what is known meanwhile says nothing: `nextIndex` never falls to what is matched.
   */
  rejected(previousIndex: number, mayAgreeAt: number): void {
    if (previousIndex <= this.matchedIndex || previousIndex >= this.nextIndex || this.#state === 'snapshot') return;
    if (this.#state === 'probe' && previousIndex !== this.nextIndex - 1) return;
    this.#becomeProbe(Math.min(previousIndex, mayAgreeAt + 1), { isPaused: false });
  }

  /** A heartbeat was answered. If all that was sent had arrived, everything would be acknowledged soon; ask. */
  heartbeatAnswered(lastIndex: number): void {
    if (this.#state === 'probe') this.#isInDoubt = this.#isPaused;
    if (this.#state === 'replicate') this.#isInDoubt = this.matchedIndex < lastIndex;
  }

  /** Messages were lost. It is asked where it is once it answers again. */
  unreachable(): void {
    if (this.#state === 'replicate') this.#becomeProbe(this.matchedIndex + 1, { isPaused: true });
  }

  needsSnapshot(): void {
    this.#state = 'snapshot';
    this.#inflight.clear();
  }

  /** The sending of the snapshot has ended. It is asked where it is at the next heartbeat that it answers. */
  snapshotEnded(nextIndex: number): void {
    if (this.#state === 'snapshot') this.#becomeProbe(nextIndex, { isPaused: true });
  }

  #hasNews(lastIndex: number, commitIndex: number): boolean {
    return this.nextIndex <= lastIndex || this.#toldCommitIndex < commitIndex;
  }

  #becomeProbe(nextIndex: number, { isPaused }: { readonly isPaused: boolean }): void {
    this.#state = 'probe';
    this.nextIndex = Math.max(this.matchedIndex + 1, nextIndex);
    this.#isPaused = isPaused;
    this.#isInDoubt = false;
    this.#inflight.clear();
  }

  #becomeReplicate(): void {
    this.#state = 'replicate';
    this.nextIndex = this.matchedIndex + 1;
    this.#isPaused = false;
    this.#isInDoubt = false;
  }
}

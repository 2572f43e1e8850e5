import { TooManyRequestsError } from '../base/errors.js';
import type { MemberId, ReadState } from './types.js';

/** Reads that may wait for their index at one time; whoever asks should gather many reads behind one context. */
export const READS_WAITING_MAX = 10_000;

/** A read that another member asked for. */
export interface RemoteRead {
  readonly from: MemberId;
  readonly context: number;
}

interface Round {
  readonly id: number;
  readonly index: number;
  readonly contexts: readonly number[];
  readonly remote: readonly RemoteRead[];
}

/**
 * The reads that a leader is to find an index for. All that wait when a round of heartbeats begins share it: its answers
 * from a majority prove that nobody else led when it began, so the commit index of that moment is fresh enough for all
 * of them (Ongaro 2014, section 6.4). Those that come later wait for the next round; one is under way at a time.
 *
 * The ids of rounds only grow while a member leads, so an answer to an old one never confirms a new one.
 */
export class ReadOnly {
  #waiting: number[] = [];
  /** Of every member the last read that it asked for: it has one under way. */
  #waitingRemote = new Map<MemberId, RemoteRead>();
  #round: Round | undefined;
  #lastRoundId = 0;

  /** Whether a round should begin. */
  get hasWaiting(): boolean {
    return this.#round === undefined && (this.#waiting.length > 0 || this.#waitingRemote.size > 0);
  }

  /** The round that is under way; 0 if none is. */
  get roundId(): number {
    return this.#round?.id ?? 0;
  }

  /** @throws {@link TooManyRequestsError} at {@link READS_WAITING_MAX} */
  add(context: number): void {
    const count = this.#waiting.length + (this.#round?.contexts.length ?? 0);
    if (count >= READS_WAITING_MAX) throw new TooManyRequestsError('reads waiting for their index', READS_WAITING_MAX);
    this.#waiting.push(context);
  }

  /** Another member asks; what it asked before and was not told, it does not wait for any more. */
  addRemote(read: RemoteRead): void {
    this.#waitingRemote.set(read.from, read);
  }

  /** Begins a round for all that wait. */
  beginRound(commitIndex: number): void {
    this.#lastRoundId += 1;
    this.#round = {
      id: this.#lastRoundId,
      index: commitIndex,
      contexts: this.#waiting,
      remote: [...this.#waitingRemote.values()],
    };
    this.#waiting = [];
    this.#waitingRemote.clear();
  }

  /** A majority has answered the round that is under way. */
  endRound(): { readonly index: number; readonly local: readonly ReadState[]; readonly remote: readonly RemoteRead[] } {
    const { index, contexts, remote } = this.#round as Round;
    this.#round = undefined;
    return { index, local: contexts.map((context) => ({ context, index })), remote };
  }
}

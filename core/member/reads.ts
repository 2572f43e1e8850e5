import { InvariantError } from '../base/assert.js';
import { TooManyRequestsError } from '../base/errors.js';
import type { ReadState } from '../raft/types.js';

/** Asks raft to confirm that this member may answer reads as of now; the answer comes as a `ReadState`. */
type AskRaft = (context: number) => void;

interface Read {
  readonly read: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

interface Round {
  /** What must be applied before the reads may be answered; unknown until raft has confirmed the round. */
  index: number | undefined;
  readonly reads: readonly Read[];
}

/**
 * Linearizable reads: a read is answered from a state that holds every write which was acknowledged before the read
 * began. All reads that begin in one turn of the event loop share one round of raft's ReadIndex.
 *
 * @remarks Source: Ongaro 2014, section 6.4.
 */
export class Reads {
  readonly #askRaft: AskRaft;
  readonly #readsMax: number;
  #count = 0;
  #gathering: Read[] = [];
  /** By context; raft answers in order, so rounds leave in order. */
  readonly #rounds = new Map<number, Round>();
  #lastContext = 0;
  #onEmpty: (() => void) | undefined;

  constructor(askRaft: AskRaft, readsMax: number) {
    this.#askRaft = askRaft;
    this.#readsMax = readsMax;
  }

  /** Calls `read` once the state is recent enough, and answers what it returns or throws. */
  linearizable<T>(read: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#count >= this.#readsMax) throw new TooManyRequestsError('reads waiting', this.#readsMax);
      this.#count += 1;
      this.#gathering.push({ read, resolve, reject });
      // A whole turn, also so that callers who read without a pause leave room for timers and sockets.
      if (this.#gathering.length === 1) setImmediate(this.#beginRound);
    });
  }

  /** Takes raft's confirmations, and answers the reads for whom enough is applied. */
  release(states: readonly ReadState[], appliedIndex: number): void {
    for (const { context, index } of states) {
      const round = this.#rounds.get(context);
      if (round !== undefined) round.index = index;
    }
    for (const [context, round] of this.#rounds) {
      if (round.index === undefined || round.index > appliedIndex) return;
      this.#rounds.delete(context);
      this.#answer(round.reads);
    }
  }

  rejectAll(error: Error): void {
    const left = [...[...this.#rounds.values()].flatMap((round) => round.reads), ...this.#gathering];
    this.#rounds.clear();
    this.#gathering = [];
    this.#reject(left, error);
  }

  /** Resolves once no read waits. */
  async emptied(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  readonly #beginRound = (): void => {
    if (this.#gathering.length === 0) return;
    this.#lastContext += 1;
    this.#rounds.set(this.#lastContext, { index: undefined, reads: this.#gathering });
    const reads = this.#gathering;
    this.#gathering = [];
    try {
      this.#askRaft(this.#lastContext);
    } catch (error) {
      this.#rounds.delete(this.#lastContext);
      this.#reject(reads, error as Error);
    }
  };

  #reject(reads: readonly Read[], error: Error): void {
    for (const { reject } of reads) reject(error);
    this.#left(reads.length);
  }

  #left(count: number): void {
    this.#count -= count;
    if (this.#count === 0) this.#onEmpty?.();
  }

  #answer(reads: readonly Read[]): void {
    let broken: InvariantError | undefined;
    for (const { read, resolve, reject } of reads) {
      try {
        resolve(read() as never);
      } catch (error) {
        if (error instanceof InvariantError) broken = error;
        reject(error as Error);
      }
    }
    this.#left(reads.length);
    if (broken !== undefined) throw broken;
  }
}

import { InvariantError } from '../base/assert.js';
import { TooManyRequestsError } from '../base/errors.js';
import type { ReadState } from '../raft/types.js';

export interface ReadsParts {
  /**
   * Asks up to where the state must have been applied for reads that begin now: the index, where that is known at once;
   * otherwise raft answers later, with a `ReadState` of this context.
   */
  readonly askIndex: (context: number) => number | undefined;
  readonly appliedIndex: () => number;
  /** Called if a read finds an invariant broken. */
  readonly onBroken: (error: InvariantError) => void;
  readonly readsMax: number;
}

interface Read {
  readonly read: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

interface Round {
  /** What must be applied before the reads may be made; unknown until raft has answered. */
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
  readonly #parts: ReadsParts;
  #count = 0;
  #gathering: Read[] = [];
  /** By context; raft answers in order, so rounds leave in order. */
  readonly #rounds = new Map<number, Round>();
  #lastContext = 0;
  #onEmpty: (() => void) | undefined;

  constructor(parts: ReadsParts) {
    this.#parts = parts;
  }

  /** Calls `read` once the state is recent enough, and answers what it returns or throws. */
  linearizable<T>(read: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const { readsMax } = this.#parts;
      if (this.#count >= readsMax) throw new TooManyRequestsError('reads waiting', readsMax);
      this.#count += 1;
      this.#gathering.push({ read, resolve, reject });
      // A whole turn, also so that callers who read without a pause leave room for timers and sockets.
      if (this.#gathering.length === 1) setImmediate(this.#beginRound);
    });
  }

  /** Takes raft's answers, and makes the reads for whom enough is applied. */
  release(states: readonly ReadState[]): void {
    for (const { context, index } of states) {
      const round = this.#rounds.get(context);
      if (round !== undefined) round.index = index;
    }
    const appliedIndex = this.#parts.appliedIndex();
    for (const [context, round] of this.#rounds) {
      if (round.index === undefined || round.index > appliedIndex) return;
      this.#rounds.delete(context);
      this.#make(round.reads);
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
    const round: Round = { index: undefined, reads: this.#gathering };
    this.#gathering = [];
    try {
      const context = (this.#lastContext += 1);
      round.index = this.#parts.askIndex(context);
      this.#rounds.set(context, round);
    } catch (error) {
      this.#reject(round.reads, error as Error);
    }
    if (round.index !== undefined) this.release([]);
  };

  #make(reads: readonly Read[]): void {
    for (const { read, resolve, reject } of reads) {
      try {
        resolve(read() as never);
      } catch (error) {
        reject(error as Error);
        if (error instanceof InvariantError) this.#parts.onBroken(error);
      }
    }
    this.#left(reads.length);
  }

  #reject(reads: readonly Read[], error: Error): void {
    for (const { reject } of reads) reject(error);
    this.#left(reads.length);
  }

  #left(count: number): void {
    this.#count -= count;
    if (this.#count === 0) this.#onEmpty?.();
  }
}

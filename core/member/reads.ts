import { InvariantError } from '../base/assert.js';
import { hasCode, TimeoutError, TooManyRequestsError } from '../base/errors.js';
import type { ReadState } from '../raft/types.js';

export interface ReadsParts {
  /**
   * Asks up to where the state must have been applied for reads that began before; raft answers later, with a
   * `ReadState` of this context, or, if the leader changes, not at all. Throws {@link NoLeaderError} if there is nobody
   * to ask.
   */
  readonly askIndex: (context: number) => void;
  readonly appliedIndex: () => number;
  /** Called if a read finds an invariant broken. */
  readonly onBroken: (error: InvariantError) => void;
  readonly readsMax: number;
  /**
   * The first context. Drawn at random, so that an answer which was meant for this member before it restarted is no
   * answer to anything it asks now.
   */
  readonly firstContext: number;
  readonly nowMs: () => number;
  /** The longest that a read waits. */
  readonly timeoutMs: number;
}

interface Read {
  readonly read: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

interface Round {
  readonly begunMs: number;
  /** Under which it was asked, at first and again. An answer to any of them will do: all were asked after its reads began. */
  readonly contexts: number[];
  /** What must be applied before the reads may be made; unknown until raft has answered. */
  index: number | undefined;
  readonly reads: readonly Read[];
}

/** Rounds whose answer has not come. Reads that begin meanwhile gather for the next one. */
const ROUNDS_MAX = 4;

/**
 * Linearizable reads: a read is answered from a state that holds every write which was acknowledged before the read
 * began. All reads that begin in one turn of the event loop share one round of raft's ReadIndex.
 *
 * A round that is lost, because the leader changed or a message did not arrive, is asked again until its time is over.
 *
 * @remarks Source: Ongaro 2014, section 6.4.
 */
export class Reads {
  readonly #parts: ReadsParts;
  #count = 0;
  #gathering: Read[] = [];
  #gatheringSinceMs = 0;
  /** In the order in which they began. */
  #rounds: Round[] = [];
  readonly #roundOfContext = new Map<number, Round>();
  #nextContext: number;
  #isScheduled = false;
  #onEmpty: (() => void) | undefined;

  constructor(parts: ReadsParts) {
    this.#parts = parts;
    this.#nextContext = parts.firstContext;
  }

  get count(): number {
    return this.#count;
  }

  /** Calls `read` once the state is recent enough, and answers what it returns or throws. */
  linearizable<T>(read: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const { readsMax } = this.#parts;
      if (this.#count >= readsMax) throw new TooManyRequestsError('reads waiting', readsMax);
      this.#count += 1;
      if (this.#gathering.length === 0) this.#gatheringSinceMs = this.#parts.nowMs();
      this.#gathering.push({ read, resolve, reject });
      this.#schedule();
    });
  }

  /** Takes raft's answers, and makes the reads for whom enough is applied. */
  release(states: readonly ReadState[]): void {
    for (const { context, index } of states) {
      const round = this.#roundOfContext.get(context);
      if (round !== undefined) round.index ??= index;
    }
    if (this.#rounds.length === 0) return;
    const appliedIndex = this.#parts.appliedIndex();
    const ready = this.#rounds.filter(({ index }) => index !== undefined && index <= appliedIndex);
    if (ready.length === 0) return;
    this.#leave(ready);
    for (const { reads } of ready) this.#make(reads);
    if (this.#gathering.length > 0) this.#schedule();
  }

  /** Asks again for every round that has no answer: the leader has changed, or some time has passed. */
  askAgain(): void {
    for (const round of this.#rounds) if (round.index === undefined) this.#ask(round);
  }

  /** Refuses the reads whose time is over, or, with an error, all that wait for their confirmation. */
  expire(reason?: () => Error): void {
    const before = this.#parts.nowMs() - this.#parts.timeoutMs;
    const errorOf = reason ?? (() => new TimeoutError('the read', this.#parts.timeoutMs));
    const over = this.#rounds.filter(
      ({ begunMs, index }) => begunMs <= before || (reason !== undefined && index === undefined),
    );
    this.#leave(over);
    for (const { reads } of over) this.#reject(reads, errorOf());
    if (this.#gathering.length > 0 && (this.#gatheringSinceMs <= before || reason !== undefined)) {
      this.#reject(this.#gathering.splice(0), errorOf());
    }
    if (over.length > 0 && this.#gathering.length > 0) this.#schedule();
  }

  rejectAll(error: Error): void {
    const left = [...this.#rounds.flatMap((round) => round.reads), ...this.#gathering];
    this.#leave(this.#rounds);
    this.#gathering = [];
    this.#reject(left, error);
  }

  /** Resolves once no read waits. */
  async emptied(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  /** A whole turn later, also so that callers who read without a pause leave room for timers and sockets. */
  #schedule(): void {
    if (this.#isScheduled || this.#rounds.length >= ROUNDS_MAX) return;
    this.#isScheduled = true;
    setImmediate(this.#beginRound);
  }

  readonly #beginRound = (): void => {
    this.#isScheduled = false;
    if (this.#gathering.length === 0 || this.#rounds.length >= ROUNDS_MAX) return;
    const round = { begunMs: this.#gatheringSinceMs, contexts: [], index: undefined, reads: this.#gathering };
    this.#gathering = [];
    this.#rounds.push(round);
    this.#ask(round);
  };

  #ask(round: Round): void {
    const context = this.#nextContext;
    this.#nextContext += 1;
    try {
      this.#parts.askIndex(context);
    } catch (error) {
      // Whoever leads next is asked.
      if (hasCode(error, 'NO_LEADER')) return;
      this.#leave([round]);
      return this.#reject(round.reads, error as Error);
    }
    round.contexts.push(context);
    this.#roundOfContext.set(context, round);
  }

  #leave(rounds: readonly Round[]): void {
    if (rounds.length === 0) return;
    for (const { contexts } of rounds) for (const context of contexts) this.#roundOfContext.delete(context);
    this.#rounds = this.#rounds.filter((round) => !rounds.includes(round));
  }

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

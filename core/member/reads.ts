import { InvariantError } from '../base/assert.js';
import { hasCode, TimeoutError, TooManyRequestsError } from '../base/errors.js';
import type { ReadState } from '../raft/types.js';
import type { Sweeps } from './sweeps.js';

export interface ReadsParts {
  /**
   * Asks up to where the state must have been applied for reads that began before; raft answers, at once or later, with
   * a `ReadState` of this context, or, if the leader changes, not at all. Throws {@link NoLeaderError} if there is nobody
   * to ask.
   */
  readonly askIndex: (context: number) => void;
  readonly appliedIndex: () => number;
  /** Has {@link Reads.begin} called, once whatever else runs in this turn of the event loop has run. */
  readonly schedule: () => void;
  /** Called if a read finds an invariant broken. */
  readonly onBroken: (error: InvariantError) => void;
  readonly readsMax: number;
  /**
   * The first context. Drawn at random, so that an answer which was meant for this member before it restarted is no
   * answer to anything it asks now.
   */
  readonly firstContext: number;
  /** By which the time is counted that a read has waited. */
  readonly sweeps: Pick<Sweeps, 'count' | 'before'>;
  /** The longest that a read waits. */
  readonly timeoutMs: number;
}

interface Read {
  readonly read: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

interface Round {
  /** How many sweeps there had been when its first read began. */
  readonly sweep: number;
  /** Under which it was asked. */
  context: number;
  /** Under which it was asked before. An answer to any of them will do: all were asked after its reads began. */
  earlier: number[] | undefined;
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
  /** As {@link Round.sweep}. */
  #gatheringSweep = 0;
  /** In the order in which they began. */
  readonly #rounds: Round[] = [];
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
      if (this.#gathering.length === 0) this.#gatheringSweep = this.#parts.sweeps.count;
      this.#gathering.push({ read, resolve, reject });
      this.#schedule();
    });
  }

  /** Begins a round for what has gathered, if there is any and not too many rounds are under way. */
  begin(): void {
    this.#isScheduled = false;
    if (this.#gathering.length === 0 || this.#rounds.length >= ROUNDS_MAX) return;
    const round: Round = {
      sweep: this.#gatheringSweep,
      context: NOT_ASKED,
      earlier: undefined,
      index: undefined,
      reads: this.#gathering,
    };
    this.#gathering = [];
    this.#rounds.push(round);
    this.#ask(round);
  }

  /** Takes raft's answers, and makes the reads for whom enough is applied. */
  release(states: readonly ReadState[]): void {
    for (const { context, index } of states) {
      const round = this.#roundOfContext.get(context);
      if (round !== undefined) round.index ??= index;
    }
    if (this.#rounds.length === 0) return;
    const appliedIndex = this.#parts.appliedIndex();
    for (let at = 0; at < this.#rounds.length;) {
      const round = this.#rounds[at] as Round;
      if (round.index !== undefined && round.index <= appliedIndex) this.#make(this.#leave(round));
      else at += 1;
    }
    if (this.#gathering.length > 0) this.#schedule();
  }

  /** Asks again for every round that has no answer: the leader has changed, or some time has passed. */
  askAgain(): void {
    for (const round of this.#rounds) if (round.index === undefined) this.#ask(round);
  }

  /** Refuses the reads whose time is over and, given a reason, all that wait for their confirmation. */
  expire(reason?: () => Error): void {
    const { sweeps, timeoutMs } = this.#parts;
    const over = sweeps.before(timeoutMs);
    const errorOf = reason ?? (() => new TimeoutError('the read', timeoutMs));
    for (const round of [...this.#rounds]) {
      if (round.sweep <= over || (reason !== undefined && round.index === undefined)) {
        this.#reject(this.#leave(round), errorOf());
      }
    }
    if (this.#gathering.length === 0) return;
    if (this.#gatheringSweep <= over || reason !== undefined) this.#reject(this.#gathering.splice(0), errorOf());
    else this.#schedule();
  }

  rejectAll(error: Error): void {
    for (const round of [...this.#rounds]) this.#reject(this.#leave(round), error);
    this.#reject(this.#gathering.splice(0), error);
  }

  /** Resolves once no read waits. */
  async emptied(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  #schedule(): void {
    if (this.#isScheduled || this.#rounds.length >= ROUNDS_MAX) return;
    this.#isScheduled = true;
    this.#parts.schedule();
  }

  #ask(round: Round): void {
    if (round.context !== NOT_ASKED) (round.earlier ??= []).push(round.context);
    round.context = this.#nextContext;
    this.#nextContext += 1;
    this.#roundOfContext.set(round.context, round);
    try {
      this.#parts.askIndex(round.context);
    } catch (error) {
      // Whoever leads next is asked.
      if (!hasCode(error, 'NO_LEADER')) this.#reject(this.#leave(round), error as Error);
    }
  }

  /** @returns the reads that are to be answered now */
  #leave(round: Round): readonly Read[] {
    this.#roundOfContext.delete(round.context);
    for (const context of round.earlier ?? NONE) this.#roundOfContext.delete(context);
    const at = this.#rounds.indexOf(round);
    if (at === this.#rounds.length - 1) this.#rounds.pop();
    else this.#rounds.splice(at, 1);
    return round.reads;
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

/** The context of a round for which nobody was asked yet. */
const NOT_ASKED = 0;
const NONE: readonly number[] = [];

import { assert } from '../base/assert.js';
import { OutcomeUnknownError, UnavailableError } from '../base/errors.js';
import type { Applied, CommandResult, LogEntry } from '../machine/types.js';

/** Whoever proposed the entry at `index` in `term` and wants to know what came of it. */
export interface Waiter {
  readonly index: number;
  readonly term: number;
  /** How many sweeps there had been when it began to wait; see {@link Waiters.sweep}. */
  readonly sweep: number;
  resolve(result: CommandResult): void;
  reject(error: Error): void;
}

/**
 * Proposals whose place in the log is known and that are not yet answered, in the order of the log, and so in the order
 * in which they are answered.
 *
 * Only an applied entry decides: one of the same index and term is the proposal itself, and one of a later term, at this
 * index or before it, shows that it was replaced, for terms never fall along the log (Ongaro 2014, section 3.5). A change
 * of leaders alone decides nothing.
 */
export class Waiters {
  #queue: Waiter[] = [];
  /** Waiters before this position have been answered. */
  #answered = 0;
  /** The term of the last entry that was applied. */
  #appliedTerm = 0;
  #onEmpty: (() => void) | undefined;

  get count(): number {
    return this.#queue.length - this.#answered;
  }

  /** Places in memory, those of the answered included. */
  get heldCount(): number {
    return this.#queue.length;
  }

  add(waiter: Waiter): void {
    const last = this.#queue.at(-1);
    if (last === undefined || this.count === 0 || last.index < waiter.index) this.#queue.push(waiter);
    else this.#insert(waiter);
  }

  /** Answers the proposers of these entries, and those whose entries they show to be replaced. */
  settle(entries: readonly LogEntry[], applied: readonly (Applied | undefined)[]): void {
    for (let i = 0; i < entries.length; i += 1) this.#settleEntry(entries[i] as LogEntry, applied[i]);
    if (this.count === 0) this.#empty();
    else if (this.#answered > this.count) this.#forgetAnswered();
  }

  /** A snapshot has brought the state to `index`, whose entry is of `term`. What came of the entries up to it is lost. */
  skipTo({ index, term }: { readonly index: number; readonly term: number }): void {
    this.#appliedTerm = term;
    this.#reject((waiter) => {
      if (waiter.index <= index) return new OutcomeUnknownError('the write');
      return waiter.term < term ? replaced() : undefined;
    });
  }

  /** Answers those who began to wait in `upTo` sweeps or fewer that it is unknown what will come of their proposals. */
  expire(upTo: number): void {
    this.#reject((waiter) => (waiter.sweep <= upTo ? new OutcomeUnknownError('the write') : undefined));
  }

  /** Answers everybody who is left with an error. */
  rejectAll(errorOf: (waiter: Waiter) => Error): void {
    this.#reject(errorOf);
  }

  /** Resolves once nobody waits. */
  async emptied(): Promise<void> {
    if (this.count > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  #empty(): void {
    this.#queue.length = 0;
    this.#answered = 0;
    this.#onEmpty?.();
  }

  /** A new leader may give lower indexes than an earlier one did, whose proposals are not decided yet. */
  #insert(waiter: Waiter): void {
    let at = this.#queue.length;
    while (at > this.#answered && isAfter(this.#queue[at - 1] as Waiter, waiter)) at -= 1;
    this.#queue.splice(at, 0, waiter);
  }

  #reject(errorOf: (waiter: Waiter) => Error | undefined): void {
    const rejected: (readonly [Waiter, Error])[] = [];
    const kept: Waiter[] = [];
    for (let i = this.#answered; i < this.#queue.length; i += 1) {
      const waiter = this.#queue[i] as Waiter;
      const error = errorOf(waiter);
      if (error === undefined) kept.push(waiter);
      else rejected.push([waiter, error]);
    }
    if (rejected.length === 0) return;
    this.#queue = kept;
    this.#answered = 0;
    for (const [waiter, error] of rejected) waiter.reject(error);
    if (this.count === 0) this.#empty();
  }

  /** Costs a move for each waiter who is left, and only after at least as many have been answered. */
  #forgetAnswered(): void {
    this.#queue.copyWithin(0, this.#answered);
    this.#queue.length = this.count;
    this.#answered = 0;
  }

  #settleEntry(entry: LogEntry, applied: Applied | undefined): void {
    if (entry.term !== this.#appliedTerm) this.#beginTerm(entry);
    for (;;) {
      const waiter = this.#queue[this.#answered];
      if (waiter === undefined || waiter.index > entry.index) return;
      assert(waiter.index === entry.index, 'entries are applied in order, and none is left out');
      this.#answered += 1;
      if (waiter.term === entry.term) answer(waiter, applied);
      else waiter.reject(replaced());
    }
  }

  #beginTerm({ index, term }: LogEntry): void {
    this.#appliedTerm = term;
    this.#reject((waiter) => (waiter.index >= index && waiter.term < term ? replaced() : undefined));
  }
}

function isAfter(a: Waiter, b: Waiter): boolean {
  return a.index === b.index ? a.term > b.term : a.index > b.index;
}

function answer(waiter: Waiter, applied: Applied | undefined): void {
  assert(applied !== undefined && applied.index === waiter.index, 'every proposed command has a result');
  if ('error' in applied) waiter.reject(applied.error);
  else waiter.resolve(applied.result);
}

function replaced(): UnavailableError {
  return new UnavailableError('another leader replaced the proposal before it was committed; nothing was done');
}

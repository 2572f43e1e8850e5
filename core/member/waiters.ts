import { assert } from '../base/assert.js';
import { UnavailableError } from '../base/errors.js';
import type { Applied, CommandResult, LogEntry } from '../machine/types.js';

/** Whoever proposed the entry at `index` in `term` and wants to know what came of it. */
export interface Waiter {
  readonly index: number;
  readonly term: number;
  resolve(result: CommandResult): void;
  reject(error: Error): void;
}

/** Proposals that are not yet answered, in the order of the log, and so in the order in which they are answered. */
export class Waiters {
  #queue: Waiter[] = [];
  /** Waiters before this position have been answered. */
  #answered = 0;
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
    assert(last === undefined || last.index < waiter.index, 'proposals get ascending indexes');
    this.#queue.push(waiter);
  }

  /** Answers the proposers of these entries. An entry that we proposed but another leader replaced is answered too. */
  settle(entries: readonly LogEntry[], applied: readonly (Applied | undefined)[]): void {
    for (let i = 0; i < entries.length; i += 1) this.#settleEntry(entries[i] as LogEntry, applied[i]);
    if (this.count === 0) this.#empty();
    else if (this.#answered > this.count) this.#forgetAnswered();
  }

  /** Answers everybody who is left with an error: what to say about the entries up to `index`, and about later ones. */
  rejectAll(index: number, upTo: () => Error, later: () => Error): void {
    const left = this.#queue.slice(this.#answered);
    this.#empty();
    for (const waiter of left) waiter.reject(waiter.index <= index ? upTo() : later());
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

  /** Costs a move for each waiter who is left, and only after at least as many have been answered. */
  #forgetAnswered(): void {
    this.#queue.copyWithin(0, this.#answered);
    this.#queue.length = this.count;
    this.#answered = 0;
  }

  #settleEntry(entry: LogEntry, applied: Applied | undefined): void {
    const waiter = this.#queue[this.#answered];
    if (waiter === undefined || waiter.index > entry.index) return;
    assert(waiter.index === entry.index, 'entries are applied in order, and none is left out');
    this.#answered += 1;
    if (waiter.term !== entry.term) return waiter.reject(replaced());
    assert(applied !== undefined && applied.index === entry.index, 'every proposed command has a result');
    if ('error' in applied) waiter.reject(applied.error);
    else waiter.resolve(applied.result);
  }
}

function replaced(): UnavailableError {
  return new UnavailableError('another leader replaced the proposal before it was committed; nothing was done');
}

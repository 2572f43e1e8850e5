import { assert } from '../base/assert.js';
import type { Log } from './log.js';
import type { Append, HardState, Message, SnapshotPosition } from './types.js';

/**
 * How far the disk has come: what of term, vote and log is durable, and the one append that is under way.
 *
 * ```
 * log      1 2 3 4 5 6 7 8 9
 *                │     └ writingIndex = 7: the append under way ends here
 *                └ index = 4: durable up to here
 * ```
 *
 * If entries are cut off from 6 on and others take their place, `writingIndex` falls to 5: what the disk is just writing
 * at 6 and 7 is not what the log holds there, and the next append overwrites it.
 */
export class Durability {
  #hardState: HardState;
  #index: number;
  #writing: Append | undefined;
  #writingIndex = 0;
  #writingTicks = 0;
  /** Waits for the next append. */
  #snapshot: SnapshotPosition | undefined;

  constructor(hardState: HardState, index: number) {
    this.#hardState = hardState;
    this.#index = index;
  }

  /** Up to here the log in memory is durable. */
  get index(): number {
    return this.#index;
  }

  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Ticks since the append under way was handed out. */
  get writingTicks(): number {
    return this.#writingTicks;
  }

  /** The snapshot that is to be installed, or is being. */
  get snapshot(): SnapshotPosition | undefined {
    return this.#snapshot ?? this.#writing?.snapshot;
  }

  tick(): void {
    if (this.#writing !== undefined) this.#writingTicks += 1;
  }

  /** Whether term and vote are durable. The commit index need not be: it is found again after a restart. */
  holdsVote({ term, votedFor }: Pick<HardState, 'term' | 'votedFor'>): boolean {
    return this.#hardState.term === term && this.#hardState.votedFor === votedFor;
  }

  /** Whether the log is durable up to `index`. */
  holds(index: number): boolean {
    return index <= this.#index && this.snapshot === undefined;
  }

  /** The entries from `index` on were cut off. */
  truncatedFrom(index: number): void {
    this.#index = Math.min(this.#index, index - 1);
    this.#writingIndex = Math.min(this.#writingIndex, index - 1);
  }

  /** A snapshot took the place of the whole log. */
  replaced(snapshot: SnapshotPosition): void {
    this.#snapshot = snapshot;
    this.#index = snapshot.index;
    this.#writingIndex = snapshot.index;
  }

  /** Whether there is something to write and nothing is being written. */
  hasNext(log: Log, present: HardState): boolean {
    if (this.#writing !== undefined) return false;
    return log.lastIndex > this.#index || this.#snapshot !== undefined || !this.holdsVote(present);
  }

  /** The next append. */
  next(log: Log, present: HardState, messages: readonly Message[]): Append {
    assert(this.#writing === undefined, 'one append is carried out at a time');
    const entries = log.entries({ fromIndex: this.#index + 1, toIndex: log.lastIndex });
    // A new commit index alone is not worth a write; where something is written anyway, it goes along.
    const { term, votedFor, commitIndex } = present;
    const isNew = commitIndex !== this.#hardState.commitIndex || !this.holdsVote(present);
    this.#writing = {
      ...(this.#snapshot && { snapshot: this.#snapshot }),
      ...(isNew && { hardState: { term, votedFor, commitIndex } }),
      entries,
      messages,
    };
    this.#writingIndex = log.lastIndex;
    this.#writingTicks = 0;
    this.#snapshot = undefined;
    return this.#writing;
  }

  /** The append under way has become durable. */
  done(append: Append): void {
    assert(append === this.#writing, 'the append that was carried out is the one that was handed out');
    this.#writing = undefined;
    this.#writingTicks = 0;
    this.#hardState = append.hardState ?? this.#hardState;
    this.#index = Math.max(this.#index, this.#writingIndex);
  }
}

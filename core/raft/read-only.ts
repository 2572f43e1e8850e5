import { TooManyRequestsError } from '../base/errors.js';
import type { ReadState } from './types.js';

/** Reads that may wait for their index at one time; whoever asks should gather many reads behind one context. */
export const READS_WAITING_MAX = 10_000;

/**
 * Reads that wait for their index, and those that have it. All that wait when leadership is confirmed are answered by
 * that one round, with the commit index of that moment (Ongaro 2014, section 6.4).
 */
export class ReadOnly {
  #waiting: number[] = [];
  #confirmed: ReadState[] = [];

  get hasConfirmed(): boolean {
    return this.#confirmed.length > 0;
  }

  /** @throws {@link TooManyRequestsError} at {@link READS_WAITING_MAX} */
  add(context: number): void {
    if (this.#waiting.length + this.#confirmed.length >= READS_WAITING_MAX)
      throw new TooManyRequestsError('reads waiting for their index', READS_WAITING_MAX);
    this.#waiting.push(context);
  }

  /** Leadership is confirmed: everything that waits may read at `commitIndex`. */
  confirm(commitIndex: number): void {
    for (const context of this.#waiting) this.#confirmed.push({ context, index: commitIndex });
    this.#waiting = [];
  }

  /** Hands over what is confirmed. */
  take(): readonly ReadState[] {
    const taken = this.#confirmed;
    this.#confirmed = [];
    return taken;
  }
}

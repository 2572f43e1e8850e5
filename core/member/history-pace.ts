import type { Clock } from '../base/clock.js';

/** Reading goes on for so long before there is a rest. */
const SLICE_MS = 2;
/** A rest is no shorter, however little was read, and no longer, whatever held the reading up. */
const [REST_MS_MIN, REST_MS_MAX] = [1, 10];

/**
 * Gives watchers that are behind, all of them together, half of the member's time for reading history: after so much reading
 * there is a rest that is as long, in which everybody else has his turn. After a loss of the leader thousands may be behind at
 * once.
 */
export class HistoryPace {
  readonly #clock: Clock;
  /** Who is called when there may be reading again, in turn. */
  readonly #waiting = new Set<() => void>();
  #readMs = 0;
  #isResting = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether history may be read now. If not, `whenItMay` is called when it may; once, however often it was asked. */
  mayRead(whenItMay: () => void): boolean {
    if (this.#isResting) this.#waiting.add(whenItMay);
    return !this.#isResting;
  }

  /** There is more to be read: calls `whenItMay` after all others had their turn. */
  later(whenItMay: () => void): void {
    this.#waiting.add(whenItMay);
    if (!this.#isResting) this.#rest();
  }

  /** Reads; what that takes counts. */
  read<T>(reading: () => T): T {
    const begunMs = this.#clock.now();
    const result = reading();
    this.#readMs += this.#clock.now() - begunMs;
    if (this.#readMs >= SLICE_MS) this.#rest();
    return result;
  }

  /** Calls nobody for one who has left. */
  forget(whenItMay: () => void): void {
    this.#waiting.delete(whenItMay);
  }

  #rest(): void {
    this.#isResting = true;
    this.#clock.after(Math.min(Math.max(this.#readMs, REST_MS_MIN), REST_MS_MAX), () => this.#goOn());
    this.#readMs = 0;
  }

  /** Calls one after the other, until they have read so much that there is a rest again. */
  #goOn(): void {
    this.#isResting = false;
    for (const whenItMay of this.#waiting) {
      if (this.#isResting) return;
      this.#waiting.delete(whenItMay);
      whenItMay();
    }
  }
}

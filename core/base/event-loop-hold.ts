import type { Clock, Timer } from './clock.js';

/** As long as a timer takes. It never does anything. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Keeps the process running while somebody waits for something. The clock's timers do not, and neither does a connection
 * that is being made: without this, a program that waits for a lock, or for an endpoint that cannot be reached, would
 * simply end.
 */
export class EventLoopHold {
  readonly #clock: Clock;
  #count = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(): void {
    this.#count += 1;
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.after(FOREVER_MS, () => undefined);
    this.#timer.hold?.();
  }

  release(): void {
    this.#count -= 1;
    if (this.#count === 0) this.close();
  }

  /** Lets go, whoever still holds it. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

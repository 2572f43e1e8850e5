import type { Clock, Timer } from '../base/clock.js';

/**
 * Counts off time in coarse steps, so that what has a deadline notes the number of a step and needs no timer, nor even a
 * look at the clock, of its own.
 */
export class Sweeps {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #onSweep: () => void;
  #timer: Timer | undefined;
  #count = 0;

  constructor(clock: Clock, everyMs: number, onSweep: () => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#onSweep = onSweep;
  }

  /** How many there have been. */
  get count(): number {
    return this.#count;
  }

  /**
   * Whoever noted this count or a lower one has waited for almost `ms` by now, and never longer than that when the sweep
   * comes in time: for at least one step less than that, and at least one step.
   */
  before(ms: number): number {
    return this.#count - Math.max(1, Math.floor(ms / this.#everyMs));
  }

  start(): void {
    this.#timer = this.#clock.after(this.#everyMs, this.#sweep);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  readonly #sweep = (): void => {
    this.start();
    this.#count += 1;
    this.#onSweep();
  };
}

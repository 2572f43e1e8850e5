import type { Prng } from '../../core/base/prng.js';

export interface BackoffOptions {
  /** The upper end of the second pause, in milliseconds. */
  readonly leastMs: number;
  readonly mostMs: number;
  readonly prng: Prng;
}

/**
 * How long to pause before the next attempt: not at all before the first retry, then twice as long each time, up to a
 * bound. Each pause is drawn from the upper half of its span, so that many who failed together do not come back together.
 */
export class Backoff {
  readonly #leastMs: number;
  readonly #mostMs: number;
  readonly #prng: Prng;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#leastMs = options.leastMs;
    this.#mostMs = options.mostMs;
    this.#prng = options.prng;
  }

  nextMs(): number {
    this.#failures += 1;
    if (this.#failures === 1) return 0;
    const spanMs = Math.min(this.#mostMs, this.#leastMs * 2 ** Math.min(this.#failures - 2, 30));
    return spanMs / 2 + (this.#prng.next() * spanMs) / 2;
  }

  /** What failed has worked: the next failure is a first one again. */
  reset(): void {
    this.#failures = 0;
  }
}

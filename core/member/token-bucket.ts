/** A token is so many parts, so that a rate a second is a whole number of them a millisecond. */
const PARTS = 1_000;

export interface TokenBucketSettings {
  /** Tokens that come in each second. A whole number. */
  readonly perSecond: number;
  /** Tokens that it holds at most, and at the beginning. A whole number. */
  readonly burst: number;
}

/**
 * Tokens that come in at a steady rate, up to a bound, and are taken for what is done. It reckons in whole numbers, so that
 * nothing is lost or gained by looking often.
 *
 * What needs more tokens than it ever holds has to find it full, and leaves it owing the rest: so it can be done at all, and
 * the rate holds over time.
 *
 * @remarks Source: the token bucket of RFC 2697, with a debt.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #fullParts: number;
  #parts: number;
  #filledMs: number;

  constructor({ perSecond, burst }: TokenBucketSettings, nowMs: number) {
    this.#perMs = perSecond;
    this.#fullParts = burst * PARTS;
    this.#parts = this.#fullParts;
    this.#filledMs = Math.floor(nowMs);
  }

  /** Whole milliseconds until so many tokens may be taken, if nobody takes any meanwhile; 0: now. */
  waitMs(tokens: number, nowMs: number): number {
    this.#fill(Math.floor(nowMs));
    const lacking = Math.min(tokens * PARTS, this.#fullParts) - this.#parts;
    return lacking <= 0 ? 0 : Math.ceil(lacking / this.#perMs);
  }

  /** Takes tokens, whether they are there or not. */
  take(tokens: number): void {
    this.#parts -= tokens * PARTS;
  }

  #fill(nowMs: number): void {
    const elapsedMs = nowMs - this.#filledMs;
    if (elapsedMs <= 0) return;
    this.#filledMs = nowMs;
    // Compared before it is multiplied, or a long silence would exceed what a number holds exactly.
    const isFull = elapsedMs >= (this.#fullParts - this.#parts) / this.#perMs;
    this.#parts = isFull ? this.#fullParts : this.#parts + elapsedMs * this.#perMs;
  }
}

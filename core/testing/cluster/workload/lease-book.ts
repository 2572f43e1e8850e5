import type { Verdict } from './verdict.js';

/**
 * Until when, by our own clock, each leased key must be there: its TTL counted from the moment before its latest renewal
 * that was acknowledged was sent. The store counts from later, so it keeps it longer.
 */
export class LeaseBook {
  readonly #verdict: Verdict;
  readonly #safeUntilMs = new Map<string, number>();
  readonly #abandoned = new Set<string>();
  renewalCount = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /** Keys whose lease nobody renews any more, and which are still there. */
  get abandoned(): ReadonlySet<string> {
    return this.#abandoned;
  }

  renewed(key: string, { sentMs, ttlMs }: { readonly sentMs: number; readonly ttlMs: number }): void {
    this.renewalCount += 1;
    this.#safeUntilMs.set(key, sentMs + ttlMs);
  }

  /** Its holder ends it, or is done with it; from now on it may go at any time. */
  released(key: string): void {
    this.#safeUntilMs.delete(key);
  }

  /** Its holder has gone away without a word: it must go when its time is over, and not before. */
  leftAlone(key: string): void {
    if (this.#safeUntilMs.has(key)) this.#abandoned.add(key);
  }

  /** It was found to be gone at this moment or before. */
  foundGone(key: string, how: string): void {
    const earlyMs = (this.#safeUntilMs.get(key) ?? 0) - performance.now();
    if (earlyMs > 0) this.#verdict.earlyEnd(`${key} ended ${Math.ceil(earlyMs)} ms early (${how})`);
    this.#safeUntilMs.delete(key);
    this.#abandoned.delete(key);
  }
}

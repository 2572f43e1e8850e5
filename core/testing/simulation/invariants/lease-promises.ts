import type { LeaseId } from '../../../base/key-value.js';
import type { Chronicle } from './chronicle.js';

interface Promised {
  readonly ttlMs: number;
  /** It must be there at least until then, in the world's time. */
  safeUntilMs: number;
  /** Its holder ends it, or has begun to: it may go at any time. */
  isReleased: boolean;
}

export interface LeasePromisesParts {
  readonly chronicle: Chronicle;
  readonly report: (what: string) => void;
  /** The world's time. */
  readonly nowMs: () => number;
  /** Clocks of members run at most so many times as fast as the world's time. */
  readonly fastestRate: number;
}

/**
 * Every lease that somebody was told of: it is not ended before its TTL has passed since its last renewal that was
 * acknowledged was sent, by whatever clock within the bound; and what has ended is not renewed.
 */
export class LeasePromises {
  readonly #parts: LeasePromisesParts;
  readonly #promised = new Map<LeaseId, Promised>();
  readonly #endedMs = new Map<LeaseId, number>();
  renewalCount = 0;

  constructor(parts: LeasePromisesParts) {
    this.#parts = parts;
    parts.chronicle.listen({ leaseGranted: (id) => this.#granted(id), leaseEnded: (id) => this.#ended(id) });
  }

  /** Somebody was told that it has the lease, or has renewed it; that was asked for at this time. */
  acknowledged(id: LeaseId, { sentMs, ttlMs }: { readonly sentMs: number; readonly ttlMs: number }): void {
    this.renewalCount += 1;
    const promised = this.#promised.get(id) ?? { ttlMs, safeUntilMs: 0, isReleased: false };
    promised.safeUntilMs = Math.max(promised.safeUntilMs, sentMs + ttlMs / this.#parts.fastestRate);
    this.#promised.set(id, promised);
    const endedMs = this.#endedMs.get(id);
    if (endedMs !== undefined) this.#check(id, promised, endedMs);
  }

  /** Its holder is about to end it. */
  released(id: LeaseId): void {
    const promised = this.#promised.get(id);
    if (promised !== undefined) promised.isReleased = true;
  }

  /**
   * Somebody was told that a lease is gone, or about to go. It must be over then by some clock within the bound.
   *
   * @returns what is wrong with that
   */
  wrongInGone(id: LeaseId): string | undefined {
    const promised = this.#promised.get(id);
    if (promised === undefined || promised.isReleased || this.#endedMs.has(id)) return undefined;
    const earlyMs = Math.ceil(promised.safeUntilMs - this.#parts.nowMs());
    return earlyMs > 0 ? `lease ${id.toString(16)} was told to be gone ${earlyMs} ms before its time` : undefined;
  }

  /** When a lease was ended; `undefined` if it was not. */
  endedMs(id: LeaseId): number | undefined {
    return this.#endedMs.get(id);
  }

  /** A client whose answer was lost asks again with the id that it chose, perhaps when the first one has run out. */
  #granted(id: LeaseId): void {
    this.#promised.delete(id);
    this.#endedMs.delete(id);
  }

  #ended(id: LeaseId): void {
    const nowMs = this.#parts.nowMs();
    this.#endedMs.set(id, nowMs);
    const promised = this.#promised.get(id);
    if (promised !== undefined) this.#check(id, promised, nowMs);
  }

  #check(id: LeaseId, { safeUntilMs, isReleased }: Promised, endedMs: number): void {
    if (isReleased || endedMs >= safeUntilMs) return;
    const earlyMs = Math.ceil(safeUntilMs - endedMs);
    this.#parts.report(`lease ${id.toString(16)} was ended ${earlyMs} ms before the time that was promised`);
  }
}

import type { Clock } from '../base/clock.js';

/** What may be sent at once after a pause, as time at the full rate: timers are no finer than this. */
const BURST_MS = 20;
/** How long one piece takes at the full rate, at most: what is given up after its first piece costs the others no more. */
const PIECE_MS = 250;

/** Spreads bytes over time, for all who send through it together. */
export class BytePacer {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  /** When what was taken so far is paid for. */
  #paidMs = -Infinity;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** The largest piece to send in one go, 1 byte or more. */
  get pieceBytesMax(): number {
    return Math.max(1, Math.floor((this.#bytesPerSecond * PIECE_MS) / 1_000));
  }

  /** @returns for how many milliseconds to wait after having sent so many bytes */
  take(bytes: number): number {
    const nowMs = this.#clock.now();
    this.#paidMs = Math.max(this.#paidMs, nowMs - BURST_MS) + (bytes * 1_000) / this.#bytesPerSecond;
    return Math.max(0, this.#paidMs - nowMs);
  }
}

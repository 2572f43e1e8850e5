import type { Clock, Timer } from '../../../base/clock.js';

export interface KeepAliveParts {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Whether it matters that the other end lives. */
  readonly isNeeded: () => boolean;
  readonly ping: () => void;
  /** It did not answer. */
  readonly onSilence: () => void;
}

/** HTTP/2 pings on a connection that is in use, and what comes of one that is not answered. */
export class KeepAlive {
  readonly #parts: KeepAliveParts;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(parts: KeepAliveParts) {
    this.#parts = parts;
  }

  /** The connection has come into use. */
  needed(): void {
    if (this.#timer === undefined && !this.#isStopped) this.#wait();
  }

  /** A ping was answered. */
  answered(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#parts.isNeeded()) this.needed();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    const { clock, everyMs, timeoutMs, isNeeded, ping, onSilence } = this.#parts;
    this.#timer = clock.after(everyMs, () => {
      this.#timer = undefined;
      if (!isNeeded()) return;
      ping();
      this.#timer = clock.after(timeoutMs, onSilence);
    });
  }
}

import type { Clock, Timer } from '../base/clock.js';
import type { Logger } from '../base/logger.js';

export interface TickerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tickMs: number;
  /** A tick that comes later than this says that the process did not run meanwhile. */
  readonly blockedMs: number;
  readonly onTick: () => void;
  /** Called, before the tick, when the process did not run for longer than `blockedMs`. */
  readonly onBlocked: () => void;
}

/**
 * Raft's time. A tick that comes late is one tick: those that were missed are not made up for, since what the others
 * said meanwhile still waits to be read. A process that stood still for longer than an election timeout must expect that
 * another member leads by now.
 */
export class Ticker {
  readonly #parts: TickerParts;
  #timer: Timer | undefined;
  #dueMs = 0;

  constructor(parts: TickerParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#timer === undefined) this.#set();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #set(): void {
    const { clock, tickMs } = this.#parts;
    this.#dueMs = clock.now() + tickMs;
    this.#timer = clock.after(tickMs, this.#tick);
  }

  readonly #tick = (): void => {
    const { clock, logger, blockedMs, onTick, onBlocked } = this.#parts;
    const lateMs = clock.now() - this.#dueMs;
    this.#set();
    if (lateMs > blockedMs) {
      logger.warn({ lateMs: Math.round(lateMs) }, 'the process did not run for longer than an election timeout');
      onBlocked();
    }
    onTick();
  };
}

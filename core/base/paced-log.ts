import type { Clock } from './clock.js';
import type { Logger } from './logger.js';

const PACE_MS = 60_000;
const KEYS_MAX = 256;

/**
 * Says the same thing of the same member at most once a minute. What is remembered for that is bounded; while it is full,
 * nothing new is said.
 */
export class PacedLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** When each thing was last said, the oldest first. */
  readonly #saidMs = new Map<string, number>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  info(subject: string, fields: object, message: string): void {
    if (this.#mayBeSaid(`${subject} ${message}`)) this.#logger.info(fields, message);
  }

  warn(subject: string, fields: object, message: string): void {
    if (this.#mayBeSaid(`${subject} ${message}`)) this.#logger.warn(fields, message);
  }

  #mayBeSaid(key: string): boolean {
    const nowMs = this.#clock.now();
    for (const [said, ms] of this.#saidMs) {
      if (nowMs - ms < PACE_MS) break;
      this.#saidMs.delete(said);
    }
    if (this.#saidMs.has(key) || this.#saidMs.size >= KEYS_MAX) return false;
    this.#saidMs.set(key, nowMs);
    return true;
  }
}

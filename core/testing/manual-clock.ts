import type { Clock, Timer } from '../base/clock.js';

/** Turns of the event loop that are waited for around every timer: enough for a handful of store calls in a row. */
const SETTLING_TURNS = 16;

/** A clock that stands still until a test turns it by hand. */
export class ManualClock implements Clock {
  #nowMs: number;
  #timersSet = 0;
  readonly #timers = new Set<PendingTimer>();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#timersSet++, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  /** Timers that were set and have neither fired nor been cancelled. A test can show that none is left behind. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /**
   * Turns the clock forward. Timers that fall due fire in order of their times (those of one time in the order in which
   * they were set), each at its own time; between them everything that runs without waiting for time runs to its end.
   */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settle();
    for (let timer = this.#nextDue(targetMs); timer !== undefined; timer = this.#nextDue(targetMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.callback();
      await settle();
    }
    this.#nowMs = targetMs;
    await settle();
  }

  #nextDue(targetMs: number): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > targetMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Lets promises and `setImmediate` callbacks run, and those that they start, for a bounded number of turns. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

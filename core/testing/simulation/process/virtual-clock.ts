import type { Clock, Timer } from '../../../base/clock.js';
import type { QueuedEvent } from '../event-queue.js';
import type { Scheduler } from '../scheduler.js';

const MICROSECONDS = 1_000;

/** What a clock runs in: one life of one process. */
export interface ClockHome {
  readonly scheduler: Scheduler;
  readonly lane: number;
  /** Lets something happen in the process: at once, once it goes on, or, if it has ended, not at all. */
  enter(callback: () => void, isTimer: boolean): void;
  /** Told once of each setting of the clock that changed when something happened. */
  felt(kind: 'clock rate' | 'clock jump'): void;
}

interface PendingTimer {
  readonly dueMs: number;
  /** Undefined: it fired, or was cancelled. */
  callback: (() => void) | undefined;
  event: QueuedEvent | undefined;
}

/**
 * The monotonic clock of one process, from its start to its end. It begins anywhere, as real ones do, so that times of
 * two processes mean nothing to each other, and it runs at a rate of its own.
 */
export class VirtualClock implements Clock {
  readonly #home: ClockHome;
  readonly #timers = new Set<PendingTimer>();
  #rate: number;
  /** What it showed when its rate was last set, or it was made to jump. */
  #shownMs: number;
  #sinceUs: number;
  #unfelt: 'clock rate' | 'clock jump' | undefined;

  constructor(home: ClockHome, { startMs, rate }: { readonly startMs: number; readonly rate: number }) {
    this.#home = home;
    this.#shownMs = startMs;
    this.#sinceUs = home.scheduler.nowUs;
    this.#rate = rate;
    this.#unfelt = rate === 1 ? undefined : 'clock rate';
  }

  /** How many of its milliseconds pass in one of the world's. */
  get rate(): number {
    return this.#rate;
  }

  /** Timers that wait follow: a faster clock fires them sooner. */
  set rate(rate: number) {
    if (!(rate > 0)) throw new RangeError(`a clock's rate is above 0, not ${rate}`);
    this.#shownMs = this.now();
    this.#sinceUs = this.#home.scheduler.nowUs;
    this.#rate = rate;
    this.#unfelt = rate === 1 ? undefined : 'clock rate';
    this.#rearm();
  }

  /** Shows so much more from now on, as after a sleep of the machine; timers that are due by then fire at once. */
  jump(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`a monotonic clock does not go back by ${-ms} ms`);
    this.#shownMs += ms;
    if (ms > 0) this.#unfelt = 'clock jump';
    this.#rearm();
  }

  now(): number {
    return this.#shownMs + ((this.#home.scheduler.nowUs - this.#sinceUs) * this.#rate) / MICROSECONDS;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer: PendingTimer = { dueMs: this.now() + Math.max(0, delayMs), callback, event: undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return { cancel: () => this.#cancel(timer) };
  }

  soon(callback: () => void): void {
    const { scheduler, lane } = this.#home;
    scheduler.schedule(scheduler.nowUs, lane, () => this.#home.enter(callback, false));
  }

  /** Timers that were set and have neither fired nor been cancelled. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Nothing fires any more. */
  stop(): void {
    for (const timer of [...this.#timers]) this.#cancel(timer);
  }

  #arm(timer: PendingTimer): void {
    const { scheduler, lane } = this.#home;
    const delayUs = Math.ceil(((timer.dueMs - this.now()) * MICROSECONDS) / this.#rate);
    timer.event = scheduler.schedule(scheduler.nowUs + delayUs, lane, () =>
      this.#home.enter(() => this.#fire(timer), true),
    );
  }

  #rearm(): void {
    for (const timer of this.#timers) {
      // One that fell due while the process was paused waits for that to end.
      if (timer.event?.callback === undefined) continue;
      this.#home.scheduler.cancel(timer.event);
      this.#arm(timer);
    }
  }

  #fire(timer: PendingTimer): void {
    const { callback } = timer;
    timer.callback = undefined;
    if (!this.#timers.delete(timer)) return;
    if (this.#unfelt !== undefined) this.#home.felt(this.#unfelt);
    this.#unfelt = undefined;
    callback?.();
  }

  #cancel(timer: PendingTimer): void {
    timer.callback = undefined;
    if (this.#timers.delete(timer) && timer.event !== undefined) this.#home.scheduler.cancel(timer.event);
  }
}

import type { Clock, Timer } from '../base/clock.js';
import type { CallFailure } from './call-failure.js';
import { deadlineAfter } from './patient-timer.js';

/** Something that was asked and has not been answered. */
export interface Owed {
  /** Whether it may change something, so that it must not be asked anywhere else. */
  readonly isWrite: boolean;
  fail(failure: CallFailure): void;
}

/** How long an answer may be owed. */
export interface OwedLimits {
  /** From then on its giver is suspected. */
  readonly suspectMs: number;
  /** From then on it is given up. */
  readonly timeoutMs: number;
}

/** What is to be done about answers that do not come. */
export interface OwedReports {
  /** The oldest one is due since `suspectMs` or longer; told again from time to time as long as that is so. */
  suspect(): void;
  overdue(owed: Owed, sinceMs: number): void;
}

/** The answers that one connection owes, oldest first, under one timer however many there are. */
export class OwedAnswers {
  readonly #clock: Clock;
  readonly #limits: OwedLimits;
  readonly #reports: OwedReports;
  /** Since when each is owed. A map keeps the order in which they came. */
  readonly #owed = new Map<Owed, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, limits: OwedLimits, reports: OwedReports) {
    this.#clock = clock;
    this.#limits = limits;
    this.#reports = reports;
  }

  get count(): number {
    return this.#owed.size;
  }

  add(owed: Owed): void {
    this.#owed.set(owed, this.#clock.now());
    this.#timer ??= this.#timerFor(this.#limits.suspectMs);
  }

  /** Whether it was still owed. */
  delete(owed: Owed): boolean {
    const wasOwed = this.#owed.delete(owed);
    if (this.#owed.size === 0) this.#stop();
    return wasOwed;
  }

  /** Those that may change something. */
  writes(): Owed[] {
    return [...this.#owed.keys()].filter(({ isWrite }) => isWrite);
  }

  /** Fails all of them, or those that `which` picks. */
  failAll(failure: CallFailure, which: (owed: Owed) => boolean = () => true): void {
    for (const owed of [...this.#owed.keys()]) if (which(owed)) owed.fail(failure);
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #timerFor(delayMs: number): Timer {
    return deadlineAfter(this.#clock, delayMs, () => {
      this.#timer = undefined;
      this.#look();
    });
  }

  #look(): void {
    const nowMs = this.#clock.now();
    for (const [owed, sinceMs] of this.#owed) {
      if (nowMs - sinceMs < this.#limits.timeoutMs) break;
      this.#reports.overdue(owed, sinceMs);
      this.#owed.delete(owed);
    }
    const oldestMs = this.#oldestMs();
    if (oldestMs !== undefined && nowMs - oldestMs >= this.#limits.suspectMs) this.#reports.suspect();
    this.#schedule(nowMs);
  }

  #schedule(nowMs: number): void {
    // Whoever was told may have asked something new, or given everything up.
    const oldestMs = this.#oldestMs();
    if (oldestMs === undefined || this.#timer !== undefined) return;
    const { suspectMs, timeoutMs } = this.#limits;
    const isSuspect = nowMs - oldestMs >= suspectMs;
    const dueMs = isSuspect ? Math.min(oldestMs + timeoutMs, nowMs + suspectMs) : oldestMs + suspectMs;
    this.#timer = this.#timerFor(Math.max(1, dueMs - nowMs));
  }

  #oldestMs(): number | undefined {
    for (const sinceMs of this.#owed.values()) return sinceMs;
    return undefined;
  }
}

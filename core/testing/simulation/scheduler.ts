import type { Timer } from '../../base/clock.js';
import { EventQueue, type QueuedEvent } from './event-queue.js';
import type { Trace } from './trace.js';

/** The lane of events that belong to no process: faults, workloads, and checks. */
export const WORLD_LANE = 0;

const MICROSECONDS = 1_000;
const PATIENCE_MS = 60_000;
/** So many events at one moment are a world that turns in circles. */
const EVENTS_AT_ONCE_MAX = 200_000;

interface Goal {
  readonly isReached: () => boolean;
  readonly deadline: QueuedEvent;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A world's time, and everything that is still to happen in it. Time stands still while something happens, and leaps to
 * the next event. It is counted in whole microseconds, so that sums are exact.
 */
export class Scheduler {
  readonly #queue = new EventQueue();
  readonly #trace: Trace;
  readonly #salt: number;
  #goals: Goal[] = [];
  #nowUs = 0;
  #order = 0;
  #eventsNow = 0;
  /** Whose event is happening. */
  lane = WORLD_LANE;
  /** Events that have happened. */
  events = 0;

  /** @param salt - decides in which order things of one moment happen to different processes */
  constructor(trace: Trace, salt: number) {
    this.#trace = trace;
    this.#salt = salt;
  }

  /** Milliseconds since the world began. */
  now(): number {
    return this.#nowUs / MICROSECONDS;
  }

  /** The same in microseconds, a whole number. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Calls back at a time; at once, if that is past. */
  at(atMs: number, callback: () => void): Timer {
    const event = this.schedule(Math.ceil(atMs * MICROSECONDS), WORLD_LANE, callback);
    return { cancel: () => this.cancel(event) };
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.at(this.now() + delayMs, callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  /**
   * Waits until something is so; it is asked after every event.
   *
   * @param what - for the error
   * @throws if it is not so within `patienceMs`
   */
  until(isReached: () => boolean, patienceMs = PATIENCE_MS, what = 'what was waited for'): Promise<void> {
    if (isReached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#goals = this.#goals.filter((other) => other !== goal);
        reject(new Error(`${what} did not come within ${patienceMs} ms`));
      };
      const dueUs = this.#nowUs + Math.ceil(patienceMs * MICROSECONDS);
      const goal: Goal = { isReached, deadline: this.schedule(dueUs, WORLD_LANE, giveUp), resolve, reject };
      this.#goals.push(goal);
    });
  }

  /** For processes and the network: events of one lane and moment happen in the order in which they were scheduled. */
  schedule(atUs: number, lane: number, callback: () => void): QueuedEvent {
    const dueUs = Math.max(atUs, this.#nowUs);
    const event = { atUs: dueUs, tie: this.#tie(dueUs, lane), order: (this.#order += 1), lane, callback };
    this.#queue.push(event);
    return event;
  }

  cancel(event: QueuedEvent): void {
    this.#queue.cancel(event);
  }

  /**
   * Lets the next event happen.
   *
   * @returns its lane; undefined if nothing is left to happen
   */
  step(): number | undefined {
    const event = this.#queue.pop();
    if (event === undefined) return undefined;
    this.#eventsNow = event.atUs === this.#nowUs ? this.#eventsNow + 1 : 0;
    if (this.#eventsNow > EVENTS_AT_ONCE_MAX)
      throw new Error(`${EVENTS_AT_ONCE_MAX} events at one moment: time stands still`);
    this.#nowUs = event.atUs;
    this.lane = event.lane;
    this.events += 1;
    this.#trace.event(event.atUs, event.lane);
    const { callback } = event;
    event.callback = undefined;
    callback?.();
    return event.lane;
  }

  /** @returns whether something that was waited for has come, so that whoever waited has their turn now */
  settleGoals(): boolean {
    if (this.#goals.length === 0) return false;
    const reached = this.#goals.filter(({ isReached }) => isReached());
    if (reached.length === 0) return false;
    this.#goals = this.#goals.filter((goal) => !reached.includes(goal));
    for (const { deadline, resolve } of reached) {
      this.cancel(deadline);
      resolve();
    }
    return true;
  }

  /** Nothing more happens. */
  clear(): void {
    this.#queue.clear();
    this.#goals = [];
  }

  #tie(atUs: number, lane: number): number {
    const mixed = Math.imul(this.#salt ^ Math.imul(lane + 1, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(atUs | 0, 0xc2b2ae35);
    return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 0;
  }
}

import { toText } from '../../core/base/bytes.js';
import { prefix } from '../../core/base/key-range.js';
import { open } from '../../core/embedded/open.js';
import type { Store } from '../../core/store.js';
import type { Clock, Timer } from '../../core/base/clock.js';
import { ManualClock } from '../../core/testing/manual-clock.js';
import { FaultyStore } from './faulty-store.js';

/** A store in virtual time, with a faulty one before it. */
export interface World {
  readonly clock: ManualClock;
  /** The store as it is. */
  readonly inner: Store;
  /** The way to it, on which things go wrong. */
  readonly store: FaultyStore;
  /** Another way to the same store: another process. */
  elsewhere(): FaultyStore;
  /** The keys there are. */
  keys(start?: string): Promise<string[]>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const clock = new ManualClock();
  const inner = await open({ memory: true }, { clock });
  return {
    clock,
    inner,
    store: new FaultyStore(inner),
    elsewhere: () => new FaultyStore(inner),
    async keys(start = '') {
      return (await inner.range(prefix(start))).kvs.map(({ key }) => toText(key));
    },
    close: () => inner.close(),
  };
}

/** The clock of a process that can be blocked: time passes, and its timers do not fire. */
export class BlockableClock implements Clock {
  #blockedMs = 0;

  constructor(private readonly inner: Clock) {}

  now(): number {
    return this.inner.now() + this.#blockedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.inner.after(delayMs, callback);
  }

  soon(callback: () => void): void {
    this.inner.soon(callback);
  }

  /** Time passes, for this process only. */
  block(ms: number): void {
    this.#blockedMs += ms;
  }
}

/** What a promise has come to so far, without waiting for it. */
export function track<T>(promise: Promise<T>): { value?: T; error?: unknown; done: boolean } {
  const tracked: { value?: T; error?: unknown; done: boolean } = { done: false };
  promise.then(
    (value) => Object.assign(tracked, { value, done: true }),
    (error: unknown) => Object.assign(tracked, { error, done: true }),
  );
  return tracked;
}

import { onAbort } from './abort.js';

/** A timer that has been set and may be called off. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
  /** Keeps the process running until it has fired or been cancelled, for somebody waits for it. */
  hold?(): void;
}

/**
 * Time as every part of Conclave sees it: monotonic milliseconds and timers. Nothing reads wall time to decide
 * anything, so a step of the machine's clock changes nothing, and a test can turn time by hand.
 */
export interface Clock {
  /** Monotonic milliseconds since some fixed point; may have a fraction. */
  now(): number;
  /** Calls back once, not before `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls back once, in this very moment, behind all that is ready to run: timers, sockets and disks have their turn first. */
  soon(callback: () => void): void;
}

/** Lets everything else that is ready to run have its turn. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}

/**
 * Waits on a clock.
 *
 * @throws the signal's reason as soon as it aborts; the timer is called off
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const timer = clock.after(delayMs, () => {
      stopListening();
      resolve();
    });
    timer.hold?.();
    const stopListening = onAbort(signal, () => {
      timer.cancel();
      reject(signal?.reason as Error);
    });
  });
}

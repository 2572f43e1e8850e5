/** Listening to abort signals: the one place that does it, so that what is easy to get wrong is right everywhere. */

/** One who waits for a signal. An object of its own for each, for one function may well wait twice. */
interface Waiter {
  readonly callback: (reason: unknown) => void;
}

/** Those who wait for one signal, behind one listener: from the eleventh on Node suspects a leak, and says so on the terminal. */
class Waiters {
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<Waiter>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(waiter: Waiter): void {
    if (this.#waiting.size === 0) this.#signal.addEventListener('abort', this.#tellAll);
    this.#waiting.add(waiter);
  }

  delete(waiter: Waiter): void {
    if (this.#waiting.delete(waiter) && this.#waiting.size === 0) this.#stopListening();
  }

  readonly #tellAll = (): void => {
    this.#stopListening();
    for (const waiter of [...this.#waiting]) {
      // One that was told before may have called this one off.
      if (this.#waiting.delete(waiter)) tell(waiter, this.#signal.reason);
    }
  };

  #stopListening(): void {
    this.#signal.removeEventListener('abort', this.#tellAll);
  }
}

const waitersOf = new WeakMap<AbortSignal, Waiters>();

/**
 * Calls back once the signal aborts, with its reason; at once if it has aborted. Any number may wait for one signal, as
 * when one session's signal ends all of its calls.
 *
 * @param signal - one that is not there never aborts
 * @returns takes the callback off again; calling it twice, or later, does nothing
 */
export function onAbort(signal: AbortSignal | undefined, callback: (reason: unknown) => void): () => void {
  if (signal === undefined) return doNothing;
  if (signal.aborted) {
    callback(signal.reason);
    return doNothing;
  }
  let waiters = waitersOf.get(signal);
  if (waiters === undefined) waitersOf.set(signal, (waiters = new Waiters(signal)));
  const waiter = { callback };
  waiters.add(waiter);
  return () => waiters.delete(waiter);
}

/**
 * Waits for a promise, which others may wait for too, no longer than until the signal aborts. The promise goes on
 * without us.
 *
 * @throws the signal's reason as soon as it aborts
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const off = onAbort(signal, reject);
    promise.then(resolve, reject).finally(off);
  });
}

/** One that throws keeps no other from being told; its error surfaces as that of any listener does. */
function tell({ callback }: Waiter, reason: unknown): void {
  try {
    callback(reason);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function doNothing(): void {}

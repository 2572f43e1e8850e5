/** What waits for one signal, behind one listener: Node warns of a leak from the eleventh on. */
class Waiting {
  readonly #signal: AbortSignal;
  readonly #callbacks = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(callback: () => void): void {
    if (this.#callbacks.size === 0) this.#signal.addEventListener('abort', this.#onAbort);
    this.#callbacks.add(callback);
  }

  delete(callback: () => void): void {
    this.#callbacks.delete(callback);
    if (this.#callbacks.size === 0) this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    for (const callback of [...this.#callbacks]) callback();
  };
}

const waitingFor = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls back when the signal aborts.
 *
 * @param signal - one that has not aborted yet
 * @returns calls it off
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = waitingFor.get(signal);
  if (waiting === undefined) waitingFor.set(signal, (waiting = new Waiting(signal)));
  waiting.add(callback);
  return () => waiting.delete(callback);
}

/** Begins something unless the signal has aborted, and stops waiting for it when the signal does. */
export function abortable<T>(signal: AbortSignal, begin: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const off = onAbort(signal, () => reject(signal.reason as Error));
    begin().then(resolve, reject).finally(off);
  });
}

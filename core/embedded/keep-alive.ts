/** The longest that a timer of Node's takes. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Keeps the process alive while somebody waits for a store in it. The store's own timers do not, so that a program ends
 * when it has nothing more to do; but one that waits for a lock to become free has something to do, though nothing but
 * those timers will end its wait.
 */
export class KeepAlive {
  readonly #timer = setInterval(() => {}, FOREVER_MS).unref();
  #holders = 0;

  hold(): void {
    this.#holders += 1;
    if (this.#holders === 1) this.#timer.ref();
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#timer.unref();
  }

  /** Ends it for good. */
  close(): void {
    clearInterval(this.#timer);
  }
}

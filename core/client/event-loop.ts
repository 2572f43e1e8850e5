/** As long as a timer takes. It never does anything. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Keeps the process running while somebody waits for something. The clock's timers do not, and neither does a connection
 * that is being made: without this, a program that awaits a call while no endpoint can be reached would simply end.
 */
export class EventLoopHold {
  #count = 0;
  /** Made once: a timer for each call would cost more than all the rest of holding. */
  #timer: NodeJS.Timeout | undefined;

  hold(): void {
    this.#count += 1;
    if (this.#count > 1) return;
    if (this.#timer) this.#timer.ref();
    else this.#timer = setInterval(() => {}, FOREVER_MS);
  }

  release(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#timer?.unref();
  }

  /** Lets go, for good; nothing holds after it. */
  close(): void {
    clearInterval(this.#timer);
  }
}

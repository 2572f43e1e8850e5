/** As long as a timer takes. It never does anything. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Keeps the process running while somebody waits for something. The clock's timers do not, and neither does a connection
 * that is being made: without this, a program that awaits a call while no endpoint can be reached would simply end.
 */
export class EventLoopHold {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  hold(): void {
    this.#count += 1;
    this.#timer ??= setInterval(() => {}, FOREVER_MS);
  }

  release(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

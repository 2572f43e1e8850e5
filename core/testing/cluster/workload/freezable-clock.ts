import type { Clock, Timer } from '../../../base/clock.js';

/**
 * The clock of a process that can be frozen, as SIGSTOP and long pauses do it: time goes on, and nothing that waits for it
 * is called until the process has thawed; then everything that is due is, late.
 */
export class FreezableClock implements Clock {
  readonly #inner: Clock;
  readonly #due: (() => void)[] = [];
  #isFrozen = false;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  now(): number {
    return this.#inner.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    let isCancelled = false;
    const timer = this.#inner.after(delayMs, () => this.#call(() => isCancelled || callback()));
    return {
      cancel() {
        isCancelled = true;
        timer.cancel();
      },
      hold: () => timer.hold?.(),
    };
  }

  soon(callback: () => void): void {
    this.#inner.soon(() => this.#call(callback));
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const callback of this.#due.splice(0)) callback();
  }

  #call(callback: () => void): void {
    if (this.#isFrozen) this.#due.push(callback);
    else callback();
  }
}

import type { Clock, Timer } from '../../base/clock.js';

/**
 * The clock of one process among several: time is everybody's, but a process can be paused, as by SIGSTOP or a blocked
 * event loop, or killed. What falls due while it is paused happens afterwards, late; once it is killed, nothing happens.
 */
export class NodeClock implements Clock {
  readonly #clock: Clock;
  #state: 'running' | 'paused' | 'killed' = 'running';
  #held: (() => void)[] = [];
  /** Runs when what was held is let go: the sockets are read after the timers. */
  onResume: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  get isKilled(): boolean {
    return this.#state === 'killed';
  }

  now(): number {
    return this.#clock.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    let isCancelled = false;
    const fire = () => {
      if (!isCancelled) callback();
    };
    const timer = this.#clock.after(delayMs, () => {
      if (this.#state === 'running') fire();
      else if (this.#state === 'paused') this.#held.push(fire);
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  soon(callback: () => void): void {
    this.#clock.soon(callback);
  }

  pause(): void {
    this.#state = 'paused';
  }

  resume(): void {
    this.#state = 'running';
    for (const fire of this.#held.splice(0)) fire();
    this.onResume();
  }

  kill(): void {
    this.#state = 'killed';
    this.#held = [];
  }
}

import { type Clock, turn } from '../base/clock.js';
import type { State } from './state-store.js';

/** Frees what compaction left behind, a bounded step at a time, so that nobody waits long for their turn. */
export class Scrubber {
  readonly #state: () => State;
  readonly #recordsPerStep: number;
  readonly #clock: Clock;
  #running: Promise<void> | undefined;
  #isHeld = false;

  constructor(state: () => State, recordsPerStep: number, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
    this.#recordsPerStep = recordsPerStep;
  }

  /** Resolves once all that is compacted by now is freed, or the scrubber was held. Rejects if the backend fails. */
  run(): Promise<void> {
    if (this.#isHeld) return Promise.resolve();
    this.#running ??= this.#steps().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Ends after the step under way, and begins none until it is released; what is left is freed then, or after a restart. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.#running?.catch(() => undefined);
  }

  release(): void {
    this.#isHeld = false;
  }

  async #steps(): Promise<void> {
    do {
      await turn(this.#clock);
      if (this.#state().backend.overfull) await this.#state().backend.drained();
    } while (!this.#isHeld && this.#state().machine.scrub(this.#recordsPerStep));
  }
}

import type { Backend } from '../backend/backend.js';
import type { Machine } from '../machine/machine.js';

/** Frees what compaction left behind, a bounded step at a time, so that nobody waits long for their turn. */
export class Scrubber {
  readonly #machine: Machine;
  readonly #backend: Backend;
  readonly #recordsPerStep: number;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(machine: Machine, backend: Backend, recordsPerStep: number) {
    this.#machine = machine;
    this.#backend = backend;
    this.#recordsPerStep = recordsPerStep;
  }

  /** Resolves once all that is compacted by now is freed, or the scrubber was stopped. Rejects if the backend fails. */
  run(): Promise<void> {
    this.#running ??= this.#steps().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Ends after the step under way; what is left is freed after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => undefined);
  }

  async #steps(): Promise<void> {
    do {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#backend.overfull) await this.#backend.drained();
    } while (!this.#stopped && this.#machine.scrub(this.#recordsPerStep));
  }
}

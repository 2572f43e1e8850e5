import type { Logger } from '../../core/base/logger.js';
import type { ServiceInstance } from './instance.js';
import type { Experience } from './outliers.js';

/**
 * An instance that was picked, until the call to it has ended: it counts as in flight until `ok`, `fail` or disposing,
 * whichever comes first. `using picked = view.pick()` never leaves one open.
 */
export class Picked<M> implements Disposable {
  readonly instance: ServiceInstance<M>;
  readonly #experience: Experience;
  readonly #logger: Logger;
  #isOpen = true;

  /** For views. */
  constructor(instance: ServiceInstance<M>, experience: Experience, logger: Logger) {
    this.instance = instance;
    this.#experience = experience;
    this.#logger = logger;
    experience.inFlight += 1;
  }

  /** The call succeeded. */
  ok(): void {
    if (this.#end()) this.#experience.succeeded();
  }

  /**
   * The call failed, and the instance may be to blame. Enough of these leave it out of the picks for a while.
   *
   * @param error - what it failed with, for the log
   */
  fail(error?: unknown): void {
    if (!this.#end() || !this.#experience.failed()) return;
    const { service, id } = this.instance;
    this.#logger.warn(
      { service, instance: id, err: error },
      'an instance failed too often and is left out for a while',
    );
  }

  /** The call ended, and says nothing of the instance. */
  [Symbol.dispose](): void {
    this.#end();
  }

  #end(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#experience.inFlight -= 1;
    return true;
  }
}

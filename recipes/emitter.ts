import { EventEmitter } from 'eventemitter3';
import type { Logger } from '../core/base/logger.js';

/**
 * Typed events as the second face of a recipe. A listener that throws is reported to the log and harms nobody else: the
 * recipe goes on, and so do the other events.
 */
export abstract class Emitter<Events extends EventEmitter.ValidEventTypes> extends EventEmitter<Events> {
  readonly #logger: Logger;

  protected constructor(logger: Logger) {
    super();
    this.#logger = logger;
  }

  /** Tells the listeners, one after the other. */
  protected announce<E extends EventEmitter.EventNames<Events>>(
    event: E,
    ...args: EventEmitter.EventArgs<Events, E>
  ): void {
    for (const listener of this.listeners(event)) {
      // Takes off only what was added with `once`, and before the call, as `emit` would.
      this.off(event, listener, undefined, true);
      try {
        (listener as (...args: unknown[]) => void).apply(this, args);
      } catch (error) {
        this.#logger.error({ event: String(event), err: error }, 'a listener threw');
      }
    }
  }
}

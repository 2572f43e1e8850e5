import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../../core/base/clock.js';
import type { Logger } from '../../core/base/logger.js';

/** The events of a recipe: under each name, how its listeners are called. A listener may answer a promise. */
type Signatures<E> = { readonly [K in keyof E]: (...args: never[]) => unknown };

type Args<E extends Signatures<E>, K extends keyof E> = Parameters<E[K]>;

type Deliverable = (...args: unknown[]) => void;

/** A listener that takes longer is worth a line in the log. */
export const SLOW_MS = 10_000;

/**
 * Calls listeners one after the other, each event once the one before it has been heard by all. A listener that throws is
 * logged and harms nobody. A slow one delays the other listeners, never the recipe; what happens meanwhile is merged, so
 * that at most one of each event is waiting.
 */
export class Listeners<E extends Signatures<E>> {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #merge: <K extends keyof E & string>(event: K, older: Args<E, K>, newer: Args<E, K>) => Args<E, K>;
  readonly #emitter = new EventEmitter<Record<string, Deliverable>>();
  readonly #deliverables = new WeakMap<(...args: never[]) => unknown, Deliverable>();
  readonly #waiting = new Map<string, readonly unknown[]>();
  #turn: (() => unknown)[] = [];
  #isTelling = false;
  #isClosed = false;

  /** @param merge - what is told in place of two of the same event that follow each other */
  constructor(
    surroundings: { readonly clock: Clock; readonly logger: Logger },
    merge: <K extends keyof E & string>(event: K, older: Args<E, K>, newer: Args<E, K>) => Args<E, K>,
  ) {
    this.#clock = surroundings.clock;
    this.#logger = surroundings.logger;
    this.#merge = merge;
  }

  on<K extends keyof E & string>(event: K, listener: E[K]): void {
    this.#emitter.on(event, this.#deliverable(listener));
  }

  once<K extends keyof E & string>(event: K, listener: E[K]): void {
    this.#emitter.once(event, this.#deliverable(listener));
  }

  off<K extends keyof E & string>(event: K, listener: E[K]): void {
    this.#emitter.off(event, this.#deliverable(listener));
  }

  /** Has the listeners told, soon. Answers at once and never throws. */
  tell<K extends keyof E & string>(event: K, ...args: Args<E, K>): void {
    if (this.#isClosed || this.#emitter.listenerCount(event) === 0) return;
    const older = this.#waiting.get(event) as Args<E, K> | undefined;
    // At the end, in any case: what is told last is what happened last.
    this.#waiting.delete(event);
    this.#waiting.set(event, older ? this.#merge(event, older, args) : args);
    if (!this.#isTelling) void this.#tellAll();
  }

  /** Forgets what is waiting, and everybody who listens. A listener that is running is not waited for. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
    this.#turn = [];
    this.#emitter.removeAllListeners();
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    // First of all, whoever caused the event goes on to where it awaits.
    await Promise.resolve();
    for (let next = this.#waiting.entries().next(); !next.done; next = this.#waiting.entries().next()) {
      const [event, args] = next.value;
      this.#waiting.delete(event);
      this.#turn = [];
      // The emitter knows who listens, and who only once; what it calls here only lines up.
      this.#emitter.emit(event, ...args);
      for (let call = this.#turn.shift(); call; call = this.#turn.shift()) await this.#call(event, call);
    }
    this.#isTelling = false;
  }

  async #call(event: string, call: () => unknown): Promise<void> {
    const slow = this.#clock.after(SLOW_MS, () => {
      this.#logger.warn({ event, afterMs: SLOW_MS }, 'a listener is slow; the other ones wait for it');
    });
    try {
      await call();
    } catch (error) {
      this.#logger.error({ event, err: error }, 'a listener threw');
    } finally {
      slow.cancel();
    }
  }

  #deliverable(listener: (...args: never[]) => unknown): Deliverable {
    let deliverable = this.#deliverables.get(listener);
    if (!deliverable) {
      deliverable = (...args) => this.#turn.push(() => listener(...(args as never[])));
      this.#deliverables.set(listener, deliverable);
    }
    return deliverable;
  }
}

import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { InvalidArgumentError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { withCurrentHeld } from '../mutex/current-held.js';
import { linkSignals } from '../wait.js';
import type { ClaimedDelivery, Delivery } from './delivery.js';

export interface RunOptions {
  /** Items handled at once, and held at once: no more are taken than are being handled. Default: 1. */
  readonly concurrency?: number;
  /** Stops the run: nothing more is taken, and `run` resolves once the handlers are done. */
  readonly signal?: AbortSignal;
  /** How long a stopped run waits for its handlers before it gives their items back. Default: `'10s'`. */
  readonly drain?: Duration;
  /**
   * How long an item rests whose handler failed, by the number of its attempts so far. Default: a second, then twice as
   * long each time, up to a minute.
   */
  readonly retryDelay?: (attempt: number) => Duration;
}

/**
 * Handles one item. When it returns, the item is acknowledged, unless it has been already; when it throws, the item is
 * given back. `delivery.signal` aborts if the item may be somebody else's by now.
 */
export type Handler<T> = (delivery: Delivery<T>) => unknown;

export interface RunnerParts<T> {
  readonly store: Store;
  readonly queue: string;
  /** Aborts when the queue object is disposed. */
  readonly closing: AbortSignal;
  take(signal: AbortSignal): Promise<ClaimedDelivery<T>>;
  onFailed(delivery: Delivery<T>, error: unknown): void;
}

const RETRY_LEAST_MS = 1_000;
const RETRY_MOST_MS = 60_000;

/** A number of workers, each taking one item after another, until they are stopped. */
export class Runner<T> {
  readonly #parts: RunnerParts<T>;
  readonly #handler: Handler<T>;
  readonly #concurrency: number;
  readonly #drainMs: number;
  readonly #retryDelay: (attempt: number) => Duration;
  readonly #active = new Set<ClaimedDelivery<T>>();

  /** @throws {@link InvalidArgumentError} */
  constructor(parts: RunnerParts<T>, handler: Handler<T>, options: RunOptions) {
    this.#parts = parts;
    this.#handler = handler;
    this.#concurrency = options.concurrency ?? 1;
    if (!Number.isSafeInteger(this.#concurrency) || this.#concurrency < 1) {
      throw new InvalidArgumentError('concurrency', options.concurrency, 'a whole number from 1');
    }
    this.#drainMs = toMilliseconds(options.drain ?? '10s', 'drain');
    this.#retryDelay = options.retryDelay ?? doubling;
  }

  /** @throws what no repeating will cure, such as a store that was closed, once the other handlers are done */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const stop = linkSignals(signal, this.#parts.closing);
    let failure: { readonly error: unknown } | undefined;
    const workers = Array.from({ length: this.#concurrency }, () =>
      this.#work(stop.signal).catch((error: unknown) => {
        failure ??= { error };
        stop.abort(error);
      }),
    );
    try {
      await this.#drained(Promise.all(workers), stop.signal);
    } finally {
      stop.unlink();
    }
    if (failure) throw failure.error;
  }

  async #work(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const delivery = await this.#takeOrStop(stop);
      if (!delivery) return;
      this.#active.add(delivery);
      await this.#handle(delivery);
      this.#active.delete(delivery);
    }
  }

  async #takeOrStop(stop: AbortSignal): Promise<ClaimedDelivery<T> | undefined> {
    try {
      return await this.#parts.take(stop);
    } catch (error) {
      if (stop.aborted) return undefined;
      throw error;
    }
  }

  async #handle(delivery: ClaimedDelivery<T>): Promise<void> {
    try {
      await withCurrentHeld(delivery, () => this.#handler(delivery));
    } catch (error) {
      return this.#giveBack(delivery, error);
    }
    if (!delivery.hasEnded) await this.#settle(delivery, () => delivery.ack());
  }

  async #giveBack(delivery: ClaimedDelivery<T>, error: unknown): Promise<void> {
    const { id, attempt } = delivery;
    this.#parts.store.logger.warn({ queue: this.#parts.queue, id, attempt, err: error }, 'a handler failed');
    this.#parts.onFailed(delivery, error);
    if (delivery.hasEnded) return;
    const reason = error instanceof Error ? error.message : String(error);
    await this.#settle(delivery, () => delivery.nack({ delay: this.#retryDelay(attempt), reason }));
  }

  /** An item that can be neither acknowledged nor given back is redelivered when our lease ends. */
  async #settle(delivery: ClaimedDelivery<T>, how: () => Promise<void>): Promise<void> {
    try {
      await how();
    } catch (error) {
      const { id, attempt } = delivery;
      this.#parts.store.logger.warn({ queue: this.#parts.queue, id, attempt, err: error }, 'an item will come again');
      await delivery.release();
    }
  }

  /** Waits for the workers; once they were told to stop, no longer than the drain allows. */
  async #drained(workers: Promise<unknown>, stop: AbortSignal): Promise<void> {
    await Promise.race([workers, aborted(stop)]);
    const { clock } = this.#parts.store;
    let late = () => {};
    const tooLate = new Promise<void>((resolve) => (late = resolve));
    const timer = clock.after(this.#drainMs, late);
    const isDone = await Promise.race([workers.then(() => true), tooLate.then(() => false)]);
    timer.cancel();
    if (isDone) return;
    this.#parts.store.logger.warn({ queue: this.#parts.queue, count: this.#active.size }, 'handlers are left behind');
    await Promise.all([...this.#active].map((delivery) => delivery.release()));
  }
}

function doubling(attempt: number): number {
  return Math.min(RETRY_MOST_MS, RETRY_LEAST_MS * 2 ** (attempt - 1));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

import { onAbort } from '../base/abort.js';
import { watchedRangeOf } from '../base/arguments.js';
import { everything } from '../base/key-range.js';
import type { WatchBatch } from '../base/operation.js';
import type { Store, Target, WatchOptions, WatchStream } from '../store.js';
import type { KeyPrefix } from './key-prefix.js';

/** What a watch within a namespace is made of. */
export interface NamespacedWatchParts {
  readonly inner: Store;
  readonly prefix: KeyPrefix;
  readonly onEnd: (watch: NamespacedWatch) => void;
}

/** A watch of the store, its keys as they are seen within a namespace. */
export class NamespacedWatch implements WatchStream, AsyncIterator<WatchBatch, undefined> {
  readonly created: Promise<number>;
  readonly #parts: NamespacedWatchParts;
  readonly #stop = new AbortController();
  readonly #stream: WatchStream;
  readonly #batches: AsyncIterator<WatchBatch, undefined>;
  #stopListening: () => void = () => {};
  #hasEnded = false;

  constructor(parts: NamespacedWatchParts, target: Target, options: WatchOptions) {
    this.#parts = parts;
    this.#stopListening = onAbort(options.signal, (reason) => this.fail(reason));
    this.#stream = parts.inner.watch(this.#targetOf(target), { ...options, signal: this.#stop.signal });
    this.#batches = this.#stream[Symbol.asyncIterator]() as AsyncIterator<WatchBatch, undefined>;
    this.created = this.#stream.created;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Ends it with a reason, which whoever reads it is told. */
  fail(reason: unknown): void {
    this.#stop.abort(reason);
    this.#ended();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<WatchBatch, undefined>> {
    try {
      const taken = await this.#batches.next();
      if (taken.done) this.#ended();
      return taken.done ? taken : { done: false, value: this.#seenWithin(taken.value) };
    } catch (error) {
      this.#ended();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<WatchBatch, undefined>> {
    await this[Symbol.asyncDispose]();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended();
    await this.#stream[Symbol.asyncDispose]();
  }

  /** What is no range to watch ends the watch, as it does on every store; what the store is asked instead, it never hears. */
  #targetOf(target: Target): Target {
    try {
      return this.#parts.prefix.ontoRange(watchedRangeOf(target));
    } catch (error) {
      this.fail(error);
      return everything();
    }
  }

  #seenWithin({ revision, events }: WatchBatch): WatchBatch {
    return { revision, events: events.map((event) => this.#parts.prefix.offEvent(event)) };
  }

  #ended(): void {
    this.#hasEnded = true;
    this.#stopListening();
    this.#parts.onEnd(this);
  }
}

/** How much one reader of a {@link Feed} may fall behind, and what becomes of what it missed. */
export interface FeedOptions<T> {
  /** Items kept for one reader. When one more arrives, all of them are merged into one. At least 1. */
  readonly itemsMax: number;
  /** One item that says all that these say, oldest first; undefined if together they say nothing. */
  merge(items: readonly T[]): T | undefined;
}

/**
 * One writer, any number of readers, each at its own pace. A reader that keeps up gets every item; one that does not
 * gets merged items, so that what is kept for it is bounded by what one merged item can say.
 */
export class Feed<T> {
  readonly #options: FeedOptions<T>;
  readonly #readers = new Set<Reader<T>>();
  #end: End | undefined;

  constructor(options: FeedOptions<T>) {
    this.#options = options;
  }

  get readerCount(): number {
    return this.#readers.size;
  }

  push(item: T): void {
    for (const reader of this.#readers) reader.push(item);
  }

  /** Ends every reader once it has read what is kept for it; with an error, if one is given. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    for (const reader of this.#readers) reader.end(this.#end);
    this.#readers.clear();
  }

  /**
   * Reads what is pushed from this call on, after `first` where it is given. Breaking out of the loop ends the reader;
   * an abort rejects its next read with the signal's reason.
   */
  read(options: { readonly signal?: AbortSignal | undefined; readonly first?: T } = {}): AsyncIterableIterator<T> {
    const reader = new Reader(this.#options, options.signal, () => this.#readers.delete(reader));
    if (options.first !== undefined) reader.push(options.first);
    this.#readers.add(reader);
    if (this.#end) reader.end(this.#end);
    else if (options.signal?.aborted) reader.abort();
    return reader;
  }
}

interface End {
  readonly error?: unknown;
}

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T>) => void;
  readonly reject: (reason: unknown) => void;
}

class Reader<T> implements AsyncIterableIterator<T> {
  readonly #options: FeedOptions<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #onClose: () => void;
  #items: T[] = [];
  #waiting: Waiting<T>[] = [];
  #end: End | undefined;

  readonly abort = (): void => {
    this.#items = [];
    this.end({ error: this.#signal?.reason });
  };

  constructor(options: FeedOptions<T>, signal: AbortSignal | undefined, onClose: () => void) {
    this.#options = options;
    this.#signal = signal;
    this.#onClose = onClose;
    signal?.addEventListener('abort', this.abort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ done: false, value: item });
    this.#items.push(item);
    if (this.#items.length <= this.#options.itemsMax) return;
    const merged = this.#options.merge(this.#items);
    this.#items = merged === undefined ? [] : [merged];
  }

  end(end: End): void {
    if (this.#end) return;
    this.#end = end;
    this.#signal?.removeEventListener('abort', this.abort);
    this.#onClose();
    for (const waiting of this.#waiting.splice(0)) this.#answerEnd(waiting);
  }

  next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    return new Promise((resolve, reject) => {
      if (this.#end) this.#answerEnd({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.end({});
    this.#end = {};
    return Promise.resolve({ done: true, value: undefined });
  }

  /** An error is told once; whoever asks again learns that there is no more. */
  #answerEnd({ resolve, reject }: Waiting<T>): void {
    const end = this.#end;
    this.#end = {};
    if (end && 'error' in end) reject(end.error);
    else resolve({ done: true, value: undefined });
  }
}

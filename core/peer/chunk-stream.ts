interface Waiting {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: Error): void;
}

/** The chunks of a snapshot between the connection that brings them and the one reader who pulls them. */
export class ChunkStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #waiting: Waiting | undefined;
  #end: { readonly error?: Error } | undefined;
  readonly #onTaken: () => void;

  /** @param onTaken - called after a chunk was pulled */
  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  /** Bytes that nobody has pulled yet. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Not kept if the stream has ended, or its reader stopped. */
  push(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      return waiting.resolve({ done: false, value: chunk });
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** That was all: the reader is told after the last chunk. */
  end(): void {
    this.#finish({});
  }

  /** The reader is told at once; what it has not pulled is worthless. */
  fail(error: Error): void {
    if (this.#end !== undefined) return;
    this.#drop();
    this.#finish({ error });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bytes -= chunk.length;
      this.#onTaken();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** The reader wants no more. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#drop();
    this.#finish({});
    this.#onTaken();
    return Promise.resolve({ done: true, value: undefined });
  }

  #drop(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
  }

  #finish(end: { readonly error?: Error }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (end.error !== undefined) waiting?.reject(end.error);
    else waiting?.resolve({ done: true, value: undefined });
  }
}

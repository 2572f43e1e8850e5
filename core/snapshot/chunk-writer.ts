/** Makes chunks of one length of pieces of any length. */
export class ChunkWriter {
  readonly #chunkBytes: number;
  #full: Uint8Array[] = [];
  #filling: Uint8Array;
  #filledBytes = 0;
  #writtenBytes = 0;

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.#filling = new Uint8Array(chunkBytes);
  }

  /** All that was written so far. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  write(piece: Uint8Array): void {
    this.#writtenBytes += piece.length;
    for (let from = 0; from < piece.length;) {
      const part = piece.subarray(from, from + this.#chunkBytes - this.#filledBytes);
      this.#filling.set(part, this.#filledBytes);
      this.#filledBytes += part.length;
      from += part.length;
      if (this.#filledBytes === this.#chunkBytes) this.#next();
    }
  }

  /** Hands over the chunks that are full. They are the taker's from then on. */
  takeFull(): readonly Uint8Array[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** Hands over everything, the last chunk as long as it is. */
  takeRest(): readonly Uint8Array[] {
    if (this.#filledBytes > 0) {
      this.#full.push(this.#filling.subarray(0, this.#filledBytes));
      this.#filling = new Uint8Array(this.#chunkBytes);
      this.#filledBytes = 0;
    }
    return this.takeFull();
  }

  #next(): void {
    this.#full.push(this.#filling);
    this.#filling = new Uint8Array(this.#chunkBytes);
    this.#filledBytes = 0;
  }
}

import { asBuffer } from '../base/bytes.js';

/** Bytes that come in chunks and are taken in other lengths. What is longer than a chunk is put together once. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;
  #offset = 0;

  /** How many bytes wait. */
  get length(): number {
    return this.#length;
  }

  /** How many bytes were taken. */
  get offset(): number {
    return this.#offset;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(asBuffer(chunk));
    this.#length += chunk.length;
  }

  /** The next bytes, which stay where they are; so many must be waiting. */
  peek(count: number): Buffer {
    const [first] = this.#chunks;
    if (first === undefined || count === 0) return Buffer.alloc(0);
    if (first.length < count) this.#gather(count);
    return (this.#chunks[0] as Buffer).subarray(0, count);
  }

  /** The next bytes; so many must be waiting. */
  take(count: number): Buffer {
    const taken = this.peek(count);
    this.#offset += count;
    this.#length -= count;
    const [first] = this.#chunks;
    if (first === undefined || count === 0) return taken;
    if (first.length === count) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    return taken;
  }

  /** Makes one of the chunks that hold the next bytes. */
  #gather(count: number): void {
    let bytes = 0;
    let taken = 0;
    for (; bytes < count; taken += 1) bytes += (this.#chunks[taken] as Buffer).length;
    this.#chunks.splice(0, taken, Buffer.concat(this.#chunks.slice(0, taken), bytes));
  }
}

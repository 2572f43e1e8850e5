import { isUtf8 } from 'node:buffer';

const TWO_32 = 2 ** 32;
/** What the upper half of a number up to 2^53 - 1 is at most. */
const UPPER_HALF_MAX = 2 ** 21 - 1;

/** What arrived was not written by a member of our protocol, or was changed on the way. The connection ends; we go on. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/**
 * Reads back what a `WireWriter` wrote. Every method throws {@link MalformedError} where the bytes end too soon or say
 * what cannot be; nothing is allocated before it is known that the bytes for it are there.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  flag(): boolean {
    const value = this.byte();
    if (value > 1) throw new MalformedError(`a flag is ${value}`);
    return value === 1;
  }

  count(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /**
   * A count of things that each take at least `leastBytes`.
   *
   * @throws {@link MalformedError} if there cannot be so many in what is left
   */
  countOf(leastBytes: number): number {
    const count = this.count();
    const left = this.#bytes.length - this.#at;
    if (count * leastBytes > left) throw new MalformedError(`${count} things are said to follow in ${left} bytes`);
    return count;
  }

  number(): number {
    const at = this.#take(8);
    const upper = this.#bytes.readUInt32LE(at + 4);
    if (upper > UPPER_HALF_MAX) throw new MalformedError('a number is not exact');
    return upper * TWO_32 + this.#bytes.readUInt32LE(at);
  }

  real(): number {
    const value = this.#bytes.readDoubleLE(this.#take(8));
    if (!Number.isFinite(value)) throw new MalformedError(`a duration is ${value}`);
    return value;
  }

  id(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  lease(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  /** A view of the frame, not a copy. */
  bytes(): Uint8Array {
    return this.raw(this.count());
  }

  text(): string {
    const bytes = this.raw(this.#bytes.readUInt16LE(this.#take(2)));
    if (!isUtf8(bytes)) throw new MalformedError('a text is not UTF-8');
    return bytes.toString('utf8');
  }

  /** So many bytes: a view of the frame. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Checks that nothing is left. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new MalformedError(`${left} bytes follow where a frame should end`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw new MalformedError('a frame ends before what it holds');
    this.#at = at + length;
    return at;
  }
}

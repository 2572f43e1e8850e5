import { InvariantError, assert } from '../base/assert.js';
import { equalBytes, toBytes, toText } from '../base/bytes.js';

/** A length has at most four bytes of seven bits: 256 MiB, far beyond any command. */
export const LENGTH_MAX = 2 ** 28 - 1;

const wide = new DataView(new ArrayBuffer(8));
const wideBytes = new Uint8Array(wide.buffer);

/**
 * Reads back what a {@link ByteWriter} wrote, and refuses what it could not have written.
 *
 * Every method throws {@link InvariantError} where the bytes end too soon or say what cannot be: a committed entry has
 * passed the log's checksum, so such bytes are a bug or another program's, never an operating error.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) return endsTooSoon();
    this.#at += 1;
    return value;
  }

  /** @see {@link ByteWriter.length} */
  length(): number {
    let value = this.byte();
    if (value < 0x80) return value;
    value &= 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const next = this.byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    throw new InvariantError('a length in a command has more than four bytes');
  }

  integer(): number {
    this.#loadWide();
    const value = wide.getFloat64(0);
    assert(Number.isSafeInteger(value), 'a number in a command is whole and exact');
    return value;
  }

  id(): bigint {
    this.#loadWide();
    return wide.getBigInt64(0);
  }

  unsignedId(): bigint {
    this.#loadWide();
    return wide.getBigUint64(0);
  }

  /** Refuses what is not UTF-8, so that a text that was read is the text that was written. */
  text(): string {
    const bytes = this.bytes();
    const text = toText(bytes);
    assert(equalBytes(toBytes(text), bytes), 'a text in a command is UTF-8');
    return text;
  }

  texts(): string[] {
    const texts: string[] = [];
    for (let left = this.length(); left > 0; left -= 1) texts.push(this.text());
    return texts;
  }

  /** A view of the bytes, not a copy. */
  bytes(): Uint8Array {
    const length = this.length();
    const from = this.#at;
    if (from + length > this.#bytes.length) return endsTooSoon();
    this.#at = from + length;
    return this.#bytes.subarray(from, this.#at);
  }

  /** Checks that nothing is left. */
  end(): void {
    assert(this.#at === this.#bytes.length, 'a command ends where its bytes end');
  }

  #loadWide(): void {
    for (let at = 0; at < wideBytes.length; at += 1) wideBytes[at] = this.byte();
  }
}

function endsTooSoon(): never {
  throw new InvariantError('a command ends before it is complete');
}

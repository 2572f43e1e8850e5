import { assert } from '../base/assert.js';
import { toBytes } from '../base/bytes.js';
import { LENGTH_MAX } from './byte-reader.js';

const FIRST_BYTES = 4_096;
/** A buffer that one large command has stretched is not kept. */
const KEPT_BYTES_MAX = 65_536;

/** Through these 8 bytes go the numbers that have a fixed width. */
const wide = new DataView(new ArrayBuffer(8));
const wideBytes = new Uint8Array(wide.buffer);

/**
 * Writes the pieces of a command one after the other into a buffer that it uses again and again, so that only the
 * finished bytes are allocated.
 */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  byte(value: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at] = value;
    this.#at += 1;
  }

  /** A count or length: seven bits a byte, the lowest first, all bytes but the last with their top bit set. */
  length(value: number): void {
    assert(value <= LENGTH_MAX, 'a length in a command has at most four bytes');
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** A whole number, of either sign, that is exact as a `number`. */
  integer(value: number): void {
    assert(Number.isSafeInteger(value), 'a number in a command is whole and exact');
    wide.setFloat64(0, value);
    this.#raw(wideBytes);
  }

  /** A signed 64-bit id. */
  id(value: bigint): void {
    assert(BigInt.asIntN(64, value) === value, 'an id in a command has 64 bits');
    wide.setBigInt64(0, value);
    this.#raw(wideBytes);
  }

  /** An unsigned 64-bit id. */
  unsignedId(value: bigint): void {
    assert(BigInt.asUintN(64, value) === value, 'an id in a command has 64 bits');
    wide.setBigUint64(0, value);
    this.#raw(wideBytes);
  }

  /** The UTF-8 bytes of a text after their length. */
  text(value: string): void {
    this.bytes(toBytes(value));
  }

  /** Texts after their count. */
  texts(values: readonly string[]): void {
    this.length(values.length);
    for (const value of values) this.text(value);
  }

  /** Bytes after their length. */
  bytes(value: Uint8Array): void {
    this.length(value.length);
    this.#raw(value);
  }

  /** Hands over what was written, in memory of its own, and begins anew. */
  finish(): Uint8Array {
    const written = Buffer.allocUnsafe(this.#at);
    this.#bytes.copy(written, 0, 0, this.#at);
    this.reset();
    return written;
  }

  /** Forgets what was written. */
  reset(): void {
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
  }

  #raw(value: Uint8Array): void {
    if (this.#at + value.length > this.#bytes.length) this.#grow(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  #grow(missingBytes: number): void {
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + missingBytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

import { assert } from '../base/assert.js';

/** What a text may have at most, in UTF-16 units; the rest of a longer one is not sent. */
export const TEXT_LENGTH_MAX = 1_000;
/** Bytes that a text takes at most: its length, and three a unit. */
export const TEXT_BYTES_MAX = 2 + 3 * TEXT_LENGTH_MAX;
const TWO_32 = 2 ** 32;

/** Through these 8 bytes go ids, which are `bigint`. */
const wide = new DataView(new ArrayBuffer(8));
const wideBytes = new Uint8Array(wide.buffer);

/**
 * Writes the fields of a frame one after the other into a buffer that was made large enough before. Numbers are little
 * endian; there is no padding.
 */
export class WireWriter {
  readonly #bytes: Buffer;
  #at: number;

  /** @param at - where the first field goes */
  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next field goes. */
  get at(): number {
    return this.#at;
  }

  byte(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  flag(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  /** How many of something follow, or how many bytes: four bytes. */
  count(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  /** A term, index, request, hash: a whole number from 0 to 2^53 - 1 in eight bytes, with no bigint on the way. */
  number(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a number for another member is whole, exact and not below 0');
    this.#bytes.writeUInt32LE(value >>> 0, this.#at);
    this.#at = this.#bytes.writeUInt32LE(Math.floor(value / TWO_32), this.#at + 4);
  }

  /** A duration, which may have a fraction or be below 0: eight bytes, IEEE 754. */
  real(value: number): void {
    assert(Number.isFinite(value), 'a duration for another member is a finite number');
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** The id of a member, cluster or incarnation: unsigned, 64 bits. */
  id(value: bigint): void {
    assert(BigInt.asUintN(64, value) === value, 'an id of a member has 64 bits');
    wide.setBigUint64(0, value, true);
    this.raw(wideBytes);
  }

  /** The id of a lease: signed, 64 bits. */
  lease(value: bigint): void {
    assert(BigInt.asIntN(64, value) === value, 'an id of a lease has 64 bits');
    wide.setBigInt64(0, value, true);
    this.raw(wideBytes);
  }

  /** Bytes after their count. */
  bytes(value: Uint8Array): void {
    this.count(value.length);
    this.raw(value);
  }

  /** A text after the count of its bytes; cut off at {@link TEXT_LENGTH_MAX}. */
  text(value: string): void {
    const length = this.#bytes.write(value.slice(0, TEXT_LENGTH_MAX), this.#at + 2, 'utf8');
    this.#bytes.writeUInt16LE(length, this.#at);
    this.#at += 2 + length;
  }

  /** Bytes alone. */
  raw(value: Uint8Array): void {
    assert(this.#at + value.length <= this.#bytes.length, 'a frame was measured before it was written');
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }
}

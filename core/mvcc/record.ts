/**
 * The value of a history record: what one change did to one key. Its revision is its key, so it is not repeated.
 *
 *     flags                        1 byte: TOMBSTONE, LEASED, AGED; the others are 0
 *     AGED: version                varint   (not AGED: 1)
 *     AGED: revisions since it was created   varint   (not AGED: 0)
 *     LEASED: lease                8 bytes big-endian
 *     length of the key            varint
 *     key, value                   the value takes what is left
 */
import { assert } from '../base/assert.js';
import { asBuffer, EMPTY_BYTES } from '../base/bytes.js';
import { type KeyValue, NO_LEASE } from '../base/key-value.js';

const TOMBSTONE = 1;
const LEASED = 2;
const AGED = 4;

/** The record of a put, or of a deletion if the version is 0. */
export function encodeRecord(kv: KeyValue): Uint8Array {
  const aged = kv.version > 1;
  const leased = kv.lease !== NO_LEASE;
  const age = kv.modRevision - kv.createRevision;
  const keyLength = kv.key.length;
  const headerBytes =
    1 + (aged ? varintBytes(kv.version) + varintBytes(age) : 0) + (leased ? 8 : 0) + varintBytes(keyLength);

  const bytes = Buffer.allocUnsafe(headerBytes + keyLength + kv.value.length);
  bytes[0] = (kv.version === 0 ? TOMBSTONE : 0) | (leased ? LEASED : 0) | (aged ? AGED : 0);
  let at = 1;
  if (aged) at = writeVarint(bytes, writeVarint(bytes, at, kv.version), age);
  if (leased) at = bytes.writeBigInt64BE(kv.lease, at);
  at = writeVarint(bytes, at, keyLength);
  bytes.set(kv.key, at);
  bytes.set(kv.value, at + keyLength);
  return bytes;
}

/**
 * One record being read. Only its header is taken apart; key and value are views of the record's bytes.
 */
export class RecordReader {
  readonly isTombstone: boolean;
  readonly version: number;
  readonly createRevision: number;
  readonly #bytes: Buffer;
  readonly #leaseAt: number;
  readonly #keyAt: number;
  readonly #valueAt: number;

  /** @throws {@link InvariantError} if the bytes are not of a record */
  constructor(
    readonly modRevision: number,
    record: Uint8Array,
  ) {
    const cursor = { bytes: asBuffer(record), at: 1 };
    const flags = record[0] as number;
    assert(flags >>> 3 === 0, 'a history record has only flags that are known');
    this.isTombstone = (flags & TOMBSTONE) !== 0;
    this.version = (flags & AGED) !== 0 ? readVarint(cursor) : this.isTombstone ? 0 : 1;
    const age = (flags & AGED) !== 0 ? readVarint(cursor) : 0;
    this.createRevision = this.isTombstone ? 0 : modRevision - age;
    assert(this.createRevision >= 0, 'a key was created at a revision that there is');
    this.#leaseAt = (flags & LEASED) !== 0 ? cursor.at : 0;
    if (this.#leaseAt > 0) cursor.at += 8;
    const keyLength = readVarint(cursor);
    this.#bytes = cursor.bytes;
    this.#keyAt = cursor.at;
    this.#valueAt = cursor.at + keyLength;
    assert(this.#valueAt <= record.length, 'a history record holds its whole key');
  }

  get isLeased(): boolean {
    return this.#leaseAt > 0;
  }

  get lease(): bigint {
    return this.#leaseAt > 0 ? this.#bytes.readBigInt64BE(this.#leaseAt) : NO_LEASE;
  }

  get key(): Uint8Array {
    return this.#bytes.subarray(this.#keyAt, this.#valueAt);
  }

  /** The key as text of one character a byte, as the index holds it. */
  get keyText(): string {
    return this.#bytes.toString('latin1', this.#keyAt, this.#valueAt);
  }

  get keyValue(): KeyValue {
    return {
      key: this.key,
      value: this.#valueAt === this.#bytes.length ? EMPTY_BYTES : this.#bytes.subarray(this.#valueAt),
      createRevision: this.createRevision,
      modRevision: this.modRevision,
      version: this.version,
      lease: this.lease,
    };
  }
}

// --- Varints: seven bits a byte, the lowest first; a set top bit means that more follow --------------------------

function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = value; left >= 128; left = Math.floor(left / 128)) bytes += 1;
  return bytes;
}

/** @returns where the next thing goes */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  let left = value;
  // Divided, not shifted: a version or an age may be larger than 32 bits.
  for (; left >= 128; left = Math.floor(left / 128)) {
    bytes[next] = (left % 128) | 128;
    next += 1;
  }
  bytes[next] = left;
  return next + 1;
}

function readVarint(cursor: { readonly bytes: Uint8Array; at: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    assert(cursor.at < cursor.bytes.length, 'a history record holds its whole header');
    const byte = cursor.bytes[cursor.at] as number;
    cursor.at += 1;
    value += (byte & 127) * scale;
    if (byte < 128) {
      assert(value <= Number.MAX_SAFE_INTEGER, 'the numbers of a history record are exact');
      return value;
    }
  }
}

import type { Batch, Table } from '../backend/backend.js';

const TWO_32 = 2 ** 32;
/** Of the upper lane only so many bits go on from entry to entry, so that both lanes make a whole number. */
const UPPER_BITS = 21;

/** What the first word of a change says beside its table. */
const OPERATION = { put: 1, delete: 2 } as const;
const TABLE_NUMBER: Readonly<Record<Table, number>> = { history: 4, lease: 8, meta: 12 };

/**
 * A hash of everything that applying entries has changed in the backend, one after the other, and of the entries' places
 * in the log. Members that applied the same entries have the same one; members that did not, with near certainty, do not.
 *
 * It is no protection against somebody who looks for collisions, only against bugs and broken memory. Per 32 bits it does a
 * multiplication and a rotation in each of two lanes (the mixing of MurmurHash3, Appleby 2011, without its first half):
 * every word goes through all later steps, so order counts, and the rotations carry a difference in the upper bits,
 * which multiplication alone leaves where it is, to all others.
 *
 * After each entry all is folded into 53 bits, which are the whole state: so the hash does not depend on how entries are
 * grouped, and goes on after a restart from the number that was kept.
 *
 * @remarks Measured: 0.1 µs for a put that leaves a record of 82 bytes, 0.7 ms for one of a megabyte.
 */
export class RunningHash {
  #lower: number;
  #upper: number;
  #value: number;

  /** @param value - what it goes on from; 0 where nothing was applied */
  constructor(value: number) {
    this.#value = value;
    this.#lower = value | 0;
    this.#upper = Math.floor(value / TWO_32) | 0;
  }

  /** The hash as the last entry left it: a whole number of 53 bits. */
  get value(): number {
    return this.#value;
  }

  /** Takes in one change: a value that was put, or that there is none any more. */
  change(table: Table, key: Uint8Array, value: Uint8Array | undefined): void {
    const operation = value === undefined ? OPERATION.delete : OPERATION.put;
    this.#word(operation | TABLE_NUMBER[table]);
    this.#word(key.length);
    this.#bytes(key);
    if (value === undefined) return;
    this.#word(value.length);
    this.#bytes(value);
  }

  /** Takes in that an entry ends here, and makes one number of all. */
  endEntry(index: number, term: number): void {
    this.#word(index | 0);
    this.#word((index / TWO_32) | 0);
    this.#word(term | 0);
    this.#word((term / TWO_32) | 0);
    // Each lane is spread over all its bits and takes in the other (the last step of MurmurHash3).
    const lower = spread(this.#lower ^ (this.#upper >>> 16));
    const upper = spread(this.#upper ^ lower) >>> (32 - UPPER_BITS);
    this.#lower = lower;
    this.#upper = upper;
    this.#value = upper * TWO_32 + (lower >>> 0);
  }

  #word(word: number): void {
    const lower = Math.imul(this.#lower ^ word, 0xcc9e2d51);
    const upper = Math.imul(this.#upper ^ word, 0x1b873593);
    this.#lower = (((lower << 15) | (lower >>> 17)) + 0x52dce729) | 0;
    this.#upper = (((upper << 13) | (upper >>> 19)) + 0x38495ab5) | 0;
  }

  #bytes(bytes: Uint8Array): void {
    let lower = this.#lower;
    let upper = this.#upper;
    const wholeEnd = bytes.length - (bytes.length % 4);
    for (let at = 0; at < bytes.length; at += 4) {
      const word = at < wholeEnd ? wordAt(bytes, at) : lastWordAt(bytes, at);
      lower = Math.imul(lower ^ word, 0xcc9e2d51);
      upper = Math.imul(upper ^ word, 0x1b873593);
      lower = (((lower << 15) | (lower >>> 17)) + 0x52dce729) | 0;
      upper = (((upper << 13) | (upper >>> 19)) + 0x38495ab5) | 0;
    }
    this.#lower = lower;
    this.#upper = upper;
  }
}

/** A batch whose changes are hashed on the way. As every batch it is for one write. */
export class HashingBatch implements Batch {
  readonly #batch: Batch;
  readonly #hash: RunningHash;

  constructor(batch: Batch, hash: RunningHash) {
    this.#batch = batch;
    this.#hash = hash;
  }

  put(table: Table, key: Uint8Array, value: Uint8Array): void {
    this.#hash.change(table, key, value);
    this.#batch.put(table, key, value);
  }

  delete(table: Table, key: Uint8Array): void {
    this.#hash.change(table, key, undefined);
    this.#batch.delete(table, key);
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** One to three bytes; the length, which was taken in before, tells how many. */
function lastWordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
}

/** @returns a number of 32 bits, each of which depends on all bits of the one given */
function spread(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

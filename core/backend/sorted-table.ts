import btree from 'sorted-btree';
import { fromMapKey, toMapKey } from '../base/bytes.js';
import type { ScanOptions } from './backend.js';

/**
 * One table in memory, in byte order of its keys.
 *
 * Keys are text of one character a byte, as `toMapKey` makes it. Measured at 200,000 keys of 16 bytes against a tree of `Uint8Array`
 * with `Buffer.compare`: appending takes 0.5 instead of 1.0 µs, reading 0.8 instead of 2.0 µs, a key 58 instead of 122 bytes.
 */
export class SortedTable<V> {
  readonly #tree: btree.default<string, V>;
  /** No key is greater. A key beyond it is new, so that appending, the common case, needs no search for an old value. */
  #bound: string | undefined;

  constructor(tree?: btree.default<string, V>, bound?: string) {
    this.#tree = tree ?? new btree.default<string, V>(undefined, compareText);
    this.#bound = bound;
  }

  get size(): number {
    return this.#tree.size;
  }

  get(key: string): V | undefined {
    return this.#tree.get(key);
  }

  /** @returns the value that was replaced */
  set(key: string, value: V): V | undefined {
    const isNew = this.#bound === undefined || key > this.#bound;
    const replaced = isNew ? undefined : this.#tree.get(key);
    this.#tree.set(key, value);
    if (isNew) this.#bound = key;
    return replaced;
  }

  /** @returns the value that was deleted */
  delete(key: string): V | undefined {
    const deleted = this.#tree.get(key);
    if (deleted !== undefined) this.#tree.delete(key);
    return deleted;
  }

  /** A copy that shares what neither has changed since; takes the same time at any size. */
  clone(): SortedTable<V> {
    return new SortedTable(this.#tree.clone(), this.#bound);
  }

  *scan(options: ScanOptions): Generator<readonly [Uint8Array, V]> {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    for (const [text, value] of options.reverse ? this.#down(options) : this.#up(options)) {
      yield [fromMapKey(text), value];
      left -= 1;
      if (left === 0) return;
    }
  }

  *#up({ from, to }: ScanOptions): Generator<[string, V]> {
    const end = to && toMapKey(to);
    for (const entry of this.#tree.entries(from && toMapKey(from))) {
      if (end !== undefined && entry[0] >= end) return;
      yield entry;
    }
  }

  *#down({ from, to }: ScanOptions): Generator<[string, V]> {
    const start = from && toMapKey(from);
    for (const entry of this.#tree.entriesReversed(to && toMapKey(to), undefined, true)) {
      if (start !== undefined && entry[0] < start) return;
      yield entry;
    }
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a === b ? 0 : 1;
}

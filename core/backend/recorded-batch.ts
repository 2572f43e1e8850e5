import { assert } from '../base/assert.js';
import { toMapKey } from '../base/bytes.js';
import { type Batch, KEY_BYTES_MAX, type Table } from './backend.js';

/** The changes of one write in the order they were made, so that a write that fails half-way has changed nothing. */
export class RecordedBatch implements Batch {
  readonly #tables: Table[] = [];
  /** One character a byte. */
  readonly #keys: string[] = [];
  readonly #values: (Uint8Array | undefined)[] = [];

  put(table: Table, key: Uint8Array, value: Uint8Array): void {
    this.#add(table, key, value);
  }

  delete(table: Table, key: Uint8Array): void {
    this.#add(table, key, undefined);
  }

  /** Tells every change in order; a value of `undefined` is a deletion. */
  replay(change: (table: Table, key: string, value: Uint8Array | undefined) => void): void {
    for (let at = 0; at < this.#tables.length; at += 1) {
      change(this.#tables[at] as Table, this.#keys[at] as string, this.#values[at]);
    }
  }

  #add(table: Table, key: Uint8Array, value: Uint8Array | undefined): void {
    assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'a key of a table has 1 to 511 bytes');
    this.#tables.push(table);
    this.#keys.push(toMapKey(key));
    this.#values.push(value);
  }
}

import { assert } from '../base/assert.js';
import type { Backend, Batch, View } from '../backend/backend.js';
import { encodeRevision, mainOf, REVISION_KEY_BYTES, writeRevision } from './revision.js';

/**
 * The history records: those in the backend, and those that wait in the batch being written, which the backend does
 * not show yet although later commands of the same batch must see them.
 */
export class RecordStore {
  readonly #view: View;
  /** The key at hand: whoever gets it keeps a copy at most, and making one costs more than writing it. */
  readonly #key = Buffer.alloc(REVISION_KEY_BYTES);
  #batch: Batch | undefined;
  // Parallel arrays in order of revision; a batch's worth.
  #mains: number[] = [];
  #subs: number[] = [];
  #records: Uint8Array[] = [];

  constructor(backend: Backend) {
    this.#view = backend;
  }

  /** Says which batch records go to from now on. A batch other than the last means that the last was written. */
  use(batch: Batch): void {
    if (batch === this.#batch) return;
    this.#batch = batch;
    this.#mains = [];
    this.#subs = [];
    this.#records = [];
  }

  add(main: number, sub: number, record: Uint8Array): void {
    assert(this.#batch !== undefined, 'records are added to a batch');
    this.#batch.put('history', writeRevision(this.#key, main, sub), record);
    this.#mains.push(main);
    this.#subs.push(sub);
    this.#records.push(record);
  }

  get(main: number, sub: number): Uint8Array {
    const record = this.#waiting(main, sub) ?? this.#view.get('history', writeRevision(this.#key, main, sub));
    assert(record !== undefined, 'every revision in the index has its record');
    return record;
  }

  /** Every record from a revision on, in order. */
  *scan(fromMain: number): Generator<readonly [main: number, record: Uint8Array]> {
    const waitingFrom = this.#mains[0] ?? Number.POSITIVE_INFINITY;
    if (fromMain < waitingFrom) {
      const from = encodeRevision(fromMain, 0);
      const bounds = this.#mains.length > 0 ? { from, to: encodeRevision(waitingFrom, 0) } : { from };
      for (const [key, record] of this.#view.scan('history', bounds)) yield [mainOf(key), record];
    }
    for (let at = 0; at < this.#mains.length; at += 1) {
      const main = this.#mains[at] as number;
      if (main >= fromMain) yield [main, this.#records[at] as Uint8Array];
    }
  }

  #waiting(main: number, sub: number): Uint8Array | undefined {
    if (main < (this.#mains[0] ?? Number.POSITIVE_INFINITY)) return undefined;
    let low = 0;
    let high = this.#mains.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const isBefore =
        (this.#mains[middle] as number) < main ||
        (this.#mains[middle] === main && (this.#subs[middle] as number) < sub);
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return this.#mains[low] === main && this.#subs[low] === sub ? this.#records[low] : undefined;
  }
}

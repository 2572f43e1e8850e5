import { toMapKey } from '../base/bytes.js';
import { AppendTable } from './append-table.js';
import { type ScanOptions, type Table, TABLES } from './backend.js';
import type { RecordedBatch } from './recorded-batch.js';
import { SortedTable } from './sorted-table.js';

/** Marks what was deleted: the engine may still have it. */
export const DELETED = null;

/** A value, or that there is none any more. `undefined` where a layer knows nothing of a key. */
export type Layered = Uint8Array | typeof DELETED;

/** Revisions only ever grow, so the history is appended to; what compaction frees of it is the exception. */
interface Tables {
  readonly history: AppendTable<Layered>;
  readonly lease: SortedTable<Layered>;
  readonly meta: SortedTable<Layered>;
}

/** What an entry takes beside its key and value; an estimate. */
const ENTRY_BYTES = 100;

/** Changes that the engine does not have yet, to be looked at before it. */
export class Overlay {
  readonly #tables: Tables;
  #bytes = 0;

  constructor(tables?: Tables) {
    this.#tables = tables ?? { history: new AppendTable(), lease: new SortedTable(), meta: new SortedTable() };
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#tables.history.size + this.#tables.lease.size + this.#tables.meta.size;
  }

  get(table: Table, key: Uint8Array): Layered | undefined {
    const entries = this.#tables[table];
    return entries.size > 0 ? entries.get(toMapKey(key)) : undefined;
  }

  scan(table: Table, options: ScanOptions): Iterable<readonly [Uint8Array, Layered]> {
    return this.#tables[table].scan(options);
  }

  add(batch: RecordedBatch): void {
    batch.replay((table, key, value) => {
      const replaced = this.#tables[table].set(key, value ?? DELETED);
      const isNew = replaced === undefined;
      this.#bytes += (value?.length ?? 0) - (replaced?.length ?? 0) + (isNew ? key.length + ENTRY_BYTES : 0);
    });
  }

  /** Tells every change, table by table in key order. */
  forEach(visit: (table: Table, key: Uint8Array, value: Layered) => void): void {
    for (const table of TABLES) {
      for (const [key, value] of this.#tables[table].scan({})) visit(table, key, value);
    }
  }

  /** The same changes; later ones to either are not seen by the other. */
  clone(): Overlay {
    const { history, lease, meta } = this.#tables;
    return new Overlay({ history: history.clone(), lease: lease.clone(), meta: meta.clone() });
  }
}

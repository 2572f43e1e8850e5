import { toMapKey } from '../../base/bytes.js';
import { type Table, TABLES } from '../backend.js';
import type { Engine, EngineSnapshot } from '../engine.js';
import type { Overlay } from '../overlay.js';
import { SortedTable } from '../sorted-table.js';

type Tables = Record<Table, SortedTable<Uint8Array>>;

/** An engine in memory whose transactions end when the test says so. */
export class ManualEngine implements Engine {
  #tables: Tables = { history: new SortedTable(), lease: new SortedTable(), meta: new SortedTable() };
  #pending: { readonly overlay: Overlay; resolve(): void; reject(error: Error): void } | undefined;
  commitCount = 0;
  openSnapshotCount = 0;
  isClosed = false;
  path = '';

  /** How many entries the transaction under way writes; 0 if there is none. */
  get pendingSize(): number {
    return this.#pending?.overlay.size ?? 0;
  }

  commit(overlay: Overlay): Promise<void> {
    if (this.#pending) throw new Error('one transaction at a time');
    if (overlay.size === 0) throw new Error('a transaction writes something');
    return new Promise((resolve, reject) => {
      this.#pending = { overlay, resolve, reject };
    });
  }

  /** Ends the transaction under way and lets what waits for it go on. */
  async finish(): Promise<void> {
    this.#pending?.overlay.forEach((table, key, value) => {
      if (value) this.#tables[table].set(toMapKey(key), value);
      else this.#tables[table].delete(toMapKey(key));
    });
    const pending = this.#pending;
    this.#pending = undefined;
    this.commitCount += 1;
    pending?.resolve();
    await settled();
  }

  async fail(error: Error): Promise<void> {
    this.#pending?.reject(error);
    await settled();
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#tables[table].get(toMapKey(key));
  }

  scan(table: Table, bounds: object): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.#tables[table].scan(bounds);
  }

  snapshot(): EngineSnapshot {
    const { history, lease, meta } = this.#tables;
    const tables: Tables = { history: history.clone(), lease: lease.clone(), meta: meta.clone() };
    this.openSnapshotCount += 1;
    return {
      get: (table, key) => tables[table].get(toMapKey(key)),
      scan: (table, bounds) => tables[table].scan(bounds),
      done: () => void (this.openSnapshotCount -= 1),
    };
  }

  sizeBytes(): number {
    return 0;
  }

  usedBytes(): number {
    return 0;
  }

  freeBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  entryCounts(): readonly number[] {
    return TABLES.map((table) => this.#tables[table].size);
  }

  moved(path: string): void {
    this.path = path;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

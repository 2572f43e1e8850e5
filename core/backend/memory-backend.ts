import { toMapKey } from '../base/bytes.js';
import { ClosedError } from '../base/errors.js';
import type { Backend, Batch, PointInTimeView, ScanOptions, Table, View } from './backend.js';
import { RecordedBatch } from './recorded-batch.js';
import { SortedTable } from './sorted-table.js';

type Tables = Readonly<Record<Table, SortedTable<Uint8Array>>>;

/** A backend that forgets everything when it is closed. It never fails, is never full and needs no flush. */
export function openMemoryBackend(): Backend {
  return new MemoryBackend();
}

class MemoryBackend implements Backend {
  readonly overfull = false;
  readonly #tables: Tables = { history: new SortedTable(), lease: new SortedTable(), meta: new SortedTable() };
  #sizeBytes = 0;
  #closed = false;

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return this.#tables[table].get(toMapKey(key));
  }

  scan(table: Table, options: ScanOptions = {}): Iterable<readonly [Uint8Array, Uint8Array]> {
    this.#assertOpen();
    return this.#tables[table].scan(options);
  }

  write(fill: (batch: Batch) => void): void {
    this.#assertOpen();
    const batch = new RecordedBatch();
    fill(batch);
    batch.replay((table, key, value) => this.#change(table, key, value));
  }

  async drained(): Promise<void> {
    this.#assertOpen();
  }

  async flush(): Promise<void> {
    this.#assertOpen();
  }

  onFailure(): void {}

  view(): PointInTimeView {
    this.#assertOpen();
    return new MemoryView({
      history: this.#tables.history.clone(),
      lease: this.#tables.lease.clone(),
      meta: this.#tables.meta.clone(),
    });
  }

  sizeBytes(): number {
    this.#assertOpen();
    return this.#sizeBytes;
  }

  usedBytes(): number {
    return this.sizeBytes();
  }

  async defragment(): Promise<void> {
    this.#assertOpen();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #change(table: Table, key: string, value: Uint8Array | undefined): void {
    const replaced = value === undefined ? this.#tables[table].delete(key) : this.#tables[table].set(key, value);
    if (value !== undefined) this.#sizeBytes += key.length + value.length;
    if (replaced !== undefined) this.#sizeBytes -= key.length + replaced.length;
  }

  #assertOpen(): void {
    if (this.#closed) throw new ClosedError('the backend');
  }
}

class MemoryView implements View {
  #tables: Tables | undefined;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#open()[table].get(toMapKey(key));
  }

  scan(table: Table, options: ScanOptions = {}): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.#open()[table].scan(options);
  }

  close(): void {
    this.#tables = undefined;
  }

  #open(): Tables {
    if (!this.#tables) throw new ClosedError('the view');
    return this.#tables;
  }
}

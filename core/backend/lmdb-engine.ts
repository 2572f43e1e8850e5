import { existsSync, mkdirSync, statSync } from 'node:fs';
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
import { type ScanOptions, type Table, TABLES } from './backend.js';
import type { Engine, EngineSnapshot } from './engine.js';
import { commitFailure, openFailure, readFailure } from './lmdb-failure.js';
import { dataFileOf, settleDataFile } from './lmdb-file.js';
import { assertRoom, freeBytesAt } from './room.js';
import type { Overlay } from './overlay.js';

type Bytes = Database<Uint8Array, Uint8Array>;

/** One LMDB database, written in asynchronous transactions. */
export class LmdbEngine implements Engine {
  #path: string;
  readonly #freeBytes: (path: string) => number;
  #hasFailed = false;
  /** Undefined where a transaction has changed it. */
  #usedBytes: number | undefined;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #tables: Readonly<Record<Table, Bytes>>;

  /**
   * @param path - the database's folder; it is made if only it itself is missing
   * @param freeBytes - how much room there is where a folder lies
   * @throws {@link DataDirError} if there is no usable database and none can be made
   */
  constructor(path: string, freeBytes: (path: string) => number = freeBytesAt) {
    this.#path = path;
    this.#freeBytes = freeBytes;
    try {
      if (!existsSync(path)) mkdirSync(path);
      settleDataFile(path);
      this.#root = open<Uint8Array, Uint8Array>({
        ...BYTES,
        path,
        noSubdir: false,
        maxDbs: TABLES.length,
        // A transaction exists once its pages are synced, and not before. With the binding's default it does so when it is
        // committed, and after a sync that failed it would be there: at the next start, and after the sync that the
        // binding tries once more as the process ends (docs/decisions/0011-an-engine-whose-sync-failed.md).
        overlappingSync: false,
        // With it, a transaction that fails rejects a promise that nobody holds.
        eventTurnBatching: false,
      });
      const table = (name: Table) => this.#root.openDB<Uint8Array, Uint8Array>({ ...BYTES, name });
      this.#tables = { history: table('history'), lease: table('lease'), meta: table('meta') };
    } catch (error) {
      throw openFailure(path, error);
    }
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    try {
      // Twice as fast as `get`, for its bytes are good only until the next read; hence the copy.
      const found = this.#tables[table].getBinaryFast(key);
      if (!found) return undefined;
      const value = Buffer.allocUnsafe(found.length);
      value.set(found.subarray(0, found.length));
      return value;
    } catch (error) {
      throw readFailure(this.#path, error);
    }
  }

  scan(table: Table, bounds: ScanOptions): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.#scan(table, bounds);
  }

  /** There must be no synchronous transaction meanwhile: LMDB's binding would commit this one where it stands. */
  async commit(overlay: Overlay): Promise<void> {
    assertRoom(this.#path, overlay.bytes, this.#freeBytes);
    try {
      await this.#root.batch(() => {
        overlay.forEach((table, key, value) => {
          if (value) void this.#tables[table].put(key, value);
          else void this.#tables[table].remove(key);
        });
      });
    } catch (error) {
      this.#hasFailed = true;
      throw await commitFailure(this.#path, error);
    }
    this.#root.resetReadTxn();
    this.#usedBytes = undefined;
  }

  snapshot(): EngineSnapshot {
    this.#root.resetReadTxn();
    const transaction = this.#root.useReadTransaction();
    return {
      get: (table, key) => this.#tables[table].get(key, { transaction }),
      scan: (table, bounds) => this.#scan(table, bounds, transaction),
      done: () => transaction.done(),
    };
  }

  sizeBytes(): number {
    return statSync(dataFileOf(this.#path)).size;
  }

  usedBytes(): number {
    this.#usedBytes ??= this.#pagesInUse();
    return this.#usedBytes;
  }

  freeBytes(): number {
    return this.#freeBytes(this.#path);
  }

  entryCounts(): readonly number[] {
    return TABLES.map((name) => (this.#tables[name].getStats() as PageCounts).entryCount);
  }

  moved(path: string): void {
    this.#path = path;
  }

  /**
   * After a failed transaction the database stays open until the process ends: if LMDB could not even begin it, its binding
   * holds a lock for which closing would wait for ever.
   */
  async close(): Promise<void> {
    if (!this.#hasFailed) await this.#root.close();
  }

  /** The pages of all tables, those of the list of free pages among them. LMDB counts them as it goes. */
  #pagesInUse(): number {
    const ofTables = TABLES.map((name) => this.#tables[name].getStats() as PageCounts);
    const { root, free, pageSize } = this.#root.getStats() as RootStats;
    let pages = META_PAGES;
    for (const counts of [root, free, ...ofTables])
      pages += counts.treeBranchPageCount + counts.treeLeafPageCount + counts.overflowPages;
    return pages * pageSize;
  }

  *#scan(
    table: Table,
    { from, to, reverse }: ScanOptions,
    transaction?: Transaction,
  ): Generator<readonly [Uint8Array, Uint8Array]> {
    // LMDB walks from `start` to `end` whichever way it goes, and as a rule includes `start` only. Left to itself it
    // ends before the first possible key.
    const bounds = reverse
      ? { ...(to && { start: to, exclusiveStart: true }), end: from ?? FIRST_KEY, inclusiveEnd: true, reverse }
      : { ...(from && { start: from }), ...(to && { end: to }) };
    const range = this.#tables[table].getRange({ ...bounds, ...(transaction && { transaction }) });
    try {
      for (const { key, value } of range) yield [key, value];
    } catch (error) {
      throw readFailure(this.#path, error);
    }
  }
}

/** What LMDB's binding tells of one tree of pages. */
interface PageCounts {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly entryCount: number;
}

interface RootStats {
  readonly pageSize: number;
  /** Of the tree that names the tables, and of that of free pages. */
  readonly root: PageCounts;
  readonly free: PageCounts;
}

const META_PAGES = 2;
const FIRST_KEY: Uint8Array = Uint8Array.of(0);
const BYTES = { keyEncoding: 'binary', encoding: 'binary' } as const;

import type { Rewriting, ScanOptions, Table } from './backend.js';
import type { Overlay } from './overlay.js';

/** The ordered tables on disk as they are read; whoever reads wants the overlay looked at first. */
export interface EngineView {
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
  /** As {@link View.scan}, without its limit. */
  scan(table: Table, bounds: Omit<ScanOptions, 'limit'>): Iterable<readonly [Uint8Array, Uint8Array]>;
}

/** A stable view. It holds back the reuse of space until it is done. */
export interface EngineSnapshot extends EngineView {
  done(): void;
}

/** What {@link OverlayBackend} needs of a database: whole transactions, one at a time. */
export interface Engine extends EngineView {
  /**
   * Writes everything in one transaction. Reads see it once this resolves, not necessarily before.
   *
   * @returns resolves once it is durable; rejects if it could not be written: then nothing more may be
   */
  commit(overlay: Overlay): Promise<void>;
  snapshot(): EngineSnapshot;
  sizeBytes(): number;
  /** Bytes that hold something, as of the last transaction. Asked often. */
  usedBytes(): number;
  /** How much room there is where it lies. */
  freeBytes(): number;
  /** How many entries each of the {@link TABLES} has. */
  entryCounts(): readonly number[];
  /** Its folder has another name from now on. */
  moved(path: string): void;
  /** Writes it anew, compactly, and goes on with that. Absent: it cannot. */
  rewrite?(options: RewriteOptions): Promise<void>;
  close(): Promise<void>;
}

/** How {@link Engine.rewrite} goes about it. */
export interface RewriteOptions extends Rewriting {
  /** What is left free for others, who would fail without. */
  readonly keptFreeBytes: number;
}

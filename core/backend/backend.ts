/**
 * The engine under the state machine: a few ordered tables of bytes, changed together or not at all. It knows nothing
 * of revisions or leases. `backend.contract.ts` is what every implementation must pass.
 */

import type { Durations } from '../base/durations.js';

/** The fixed set of tables. They live in one database, so that one transaction changes all of them. */
export const TABLES = ['history', 'lease', 'meta'] as const;

export type Table = (typeof TABLES)[number];

/** Bytes of a table's key; at least one. LMDB's own limit with its usual page size; the tables' keys are far shorter. */
export const KEY_BYTES_MAX = 511;

/**
 * The changes of one {@link Backend.write}; a new object each time. It copies keys, and takes over values: nobody may
 * change those afterwards.
 */
export interface Batch {
  put(table: Table, key: Uint8Array, value: Uint8Array): void;
  /** Deleting what is not there does nothing. */
  delete(table: Table, key: Uint8Array): void;
}

/** The keys in `[from, to)`, ascending. */
export interface ScanOptions {
  /** Default: the table's first key. */
  readonly from?: Uint8Array;
  /** Default: past the table's last key. */
  readonly to?: Uint8Array;
  /** At most so many entries, 0 or more. Default: all. */
  readonly limit?: number;
  /** From the last key down to the first. */
  readonly reverse?: boolean;
}

/** What can be read. The arrays that it returns must not be changed. */
export interface View {
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
  /** Entries in key order. Read it to its end, or leave it, before the next write. */
  scan(table: Table, options?: ScanOptions): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
}

/** A {@link View} that later writes do not change. It holds resources until it is closed; closing twice does nothing. */
export interface PointInTimeView extends View {
  close(): void;
}

/** Where a backend is written anew. */
export interface Rewriting {
  /** A folder that is not there yet. Whoever gave it removes it if the attempt fails. */
  readonly path: string;
  /** Gives the attempt up until the new one is put in force; it rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /**
   * Durably puts what is at the path in the place of what the backend had before, where both hold the same: a crash at any
   * point leaves the one or the other. If it rejects, the backend fails, for nobody knows which of them is there.
   *
   * @returns where it lies from then on
   */
  readonly putInForce: () => Promise<string>;
}

/** @throws {@link ClosedError} from everything but `close()` and `onFailure()` once it was closed */
export interface Backend extends View {
  /**
   * Carries out all changes that `fill` makes, or none if it throws (the error is passed on). Reads see them as soon
   * as this returns, not before. They become durable later, in the order they were written.
   *
   * @param fill - synchronous
   */
  write(fill: (batch: Batch) => void): void;
  /** Whether so much is not yet in the engine that whoever writes should await {@link Backend.drained} first. */
  readonly overfull: boolean;
  /** Resolves once the backend is not `overfull`. Rejects with the engine's error if it failed. */
  drained(): Promise<void>;
  /** Resolves once everything written before is durable. Rejects with the engine's error if it failed. */
  flush(): Promise<void>;
  /**
   * Calls back once, with the error, when the engine fails to write; at once if it has failed already. Nothing written
   * since the last {@link Backend.flush} may be trusted to be durable then, and nothing more is written.
   */
  onFailure(callback: (error: Error) => void): void;
  /** A view of the present. */
  view(): PointInTimeView;
  /** How long the engine took for each of its transactions. Absent: there is nothing to wait for. */
  readonly commitDurations?: Durations | undefined;
  /** How much the data takes: on disk where there is one, otherwise in memory. */
  sizeBytes(): number;
  /** How much of that is in use, with what is not in the engine yet: what was deleted does not count, once it is freed. */
  usedBytes(): number;
  /**
   * Gives back the space in which nothing is: everything is written anew beside what there is, which goes on meanwhile, and
   * then takes its place. Reads and writes wait for nothing; what they may notice is that transactions take longer. Once at a
   * time. A backend without a disk has nothing to do.
   *
   * @throws {@link DataDirError} `DATA_DIR_FULL` if there is not enough room for both beside all else, and whatever else
   * may come of writing it; nothing has changed then
   */
  defragment(rewriting: Rewriting): Promise<void>;
  /** Flushes, unless it has failed, gives up a defragmentation, and gives up everything. Closing twice does nothing. */
  close(): Promise<void>;
}

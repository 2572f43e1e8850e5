import { type Clock, turn } from '../base/clock.js';
import type { Entry, HardState } from '../raft/types.js';

/** Where the driver makes entries durable: the write-ahead log, or nothing at all where the store lives in memory. */
export interface DurableLog {
  /** Resolves once all of it is durable. One at a time. A failure is final: nothing is ever appended again. */
  append(hardState: HardState | undefined, entries: readonly Entry[]): Promise<void>;
  /** Entries up to this index are no longer needed after a restart. */
  compactTo(index: number): Promise<void>;
  /**
   * Lets the log begin anew behind a snapshot that was installed: the next entry has the index after this position, and
   * none before is kept. Resolves once that is durable; a crash before leaves the log as it was. No append is under way.
   */
  reset(position: { readonly index: number; readonly term: number }, hardState: HardState): Promise<void>;
  close(): Promise<void>;
}

/**
 * The log of a store in memory. An append takes one turn of the event loop, so that callers who write without a pause
 * gather in groups, and never keep the process from its timers and sockets.
 */
export function volatileLog(clock: Clock): DurableLog {
  return {
    append: () => turn(clock),
    compactTo: () => Promise.resolve(),
    reset: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

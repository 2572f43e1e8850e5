import type { Backend } from '../backend/backend.js';
import type { Raft } from '../raft/raft.js';
import type { Entry } from '../raft/types.js';
import type { DurableLog } from './durable-log.js';

/**
 * Lets go of log entries that a restart no longer needs: those that are applied and durable in the backend. Applied
 * entries are counted off in lots, by number and by bytes; when a lot is full, the lots before it are let go of. So
 * between one and two lots of applied entries are kept, whatever the size of the entries.
 */
export class LogPurger {
  readonly #parts: { readonly raft: Raft; readonly log: DurableLog; readonly backend: Backend };
  readonly #lot: { readonly entries: number; readonly bytes: number };
  readonly #onFailure: (error: Error) => void;
  #entries = 0;
  #bytes = 0;
  /** The last entry of the lot before the one that is being filled. */
  #lastOfLot = 0;
  #purging: Promise<void> | undefined;
  #stopped = false;

  constructor(
    parts: { readonly raft: Raft; readonly log: DurableLog; readonly backend: Backend },
    lot: { readonly entries: number; readonly bytes: number },
    onFailure: (error: Error) => void,
  ) {
    this.#parts = parts;
    this.#lot = lot;
    this.#onFailure = onFailure;
  }

  /** Takes note of entries that have just been applied. */
  applied(entries: readonly Entry[]): void {
    this.#entries += entries.length;
    for (const entry of entries) this.#bytes += entry.data.length;
    if (this.#entries < this.#lot.entries && this.#bytes < this.#lot.bytes) return;
    if (this.#purging !== undefined || this.#stopped) return;
    this.#purging = this.#purge((entries.at(-1) as Entry).index)
      .catch(this.#onFailure)
      .finally(() => (this.#purging = undefined));
  }

  /** Resolves when nothing is being purged any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#purging;
  }

  async #purge(lastApplied: number): Promise<void> {
    const index = this.#lastOfLot;
    this.#lastOfLot = lastApplied;
    this.#entries = 0;
    this.#bytes = 0;
    await this.#parts.backend.flush();
    if (index === 0 || this.#stopped) return;
    this.#parts.raft.compactTo(index);
    await this.#parts.log.compactTo(index);
  }
}

import type { Raft } from '../raft/raft.js';
import type { Entry } from '../raft/types.js';
import type { DurableLog } from './durable-log.js';
import type { State } from './state-store.js';

export interface LogPurgerParts {
  readonly raft: Pick<Raft, 'compactTo'>;
  readonly log: Pick<DurableLog, 'compactTo'>;
  readonly state: () => Pick<State, 'backend'>;
}

/**
 * Lets go of log entries that a restart no longer needs: those that are applied and durable in the backend; what is kept serves
 * followers that lag behind, too. Applied
 * entries are counted off in lots, by number and by bytes; when a lot is full, the lots before it are let go of. So
 * between one and two lots of applied entries are kept, whatever the size of the entries.
 */
export class LogPurger {
  readonly #parts: LogPurgerParts;
  readonly #lot: { readonly entries: number; readonly bytes: number };
  readonly #onFailure: (error: Error) => void;
  #entries = 0;
  #bytes = 0;
  /** The last entry of the lot before the one that is being filled. */
  #lastOfLot = 0;
  #purging: Promise<void> | undefined;
  #isHeld = false;

  constructor(
    parts: LogPurgerParts,
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
    if (this.#purging !== undefined || this.#isHeld) return;
    this.#purging = this.#purge((entries.at(-1) as Entry).index)
      .catch(this.#onFailure)
      .finally(() => (this.#purging = undefined));
  }

  /** Resolves when nothing is being purged, and nothing will be until it is released. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.#purging;
  }

  release(): void {
    this.#isHeld = false;
  }

  async #purge(lastApplied: number): Promise<void> {
    const index = this.#lastOfLot;
    this.#lastOfLot = lastApplied;
    this.#entries = 0;
    this.#bytes = 0;
    await this.#parts.state().backend.flush();
    if (index === 0 || this.#isHeld) return;
    this.#parts.raft.compactTo(index);
    await this.#parts.log.compactTo(index);
  }
}

import type { Raft } from '../raft/raft.js';
import type { Entry } from '../raft/types.js';
import type { CatchUps } from './catch-ups.js';
import type { DurableLog } from './durable-log.js';
import type { MemberSettings } from './settings.js';
import type { State } from './state-store.js';

/** What an entry takes in memory beside its data: 260 bytes were measured on Node 20. */
const ENTRY_BYTES = 300;

export interface LogPurgerParts {
  readonly raft: Pick<Raft, 'compactTo'>;
  readonly log: Pick<DurableLog, 'compactTo'>;
  readonly state: () => Pick<State, 'backend'>;
  readonly catchUps: Pick<CatchUps, 'mayLetGoTo' | 'giveUp'>;
  readonly settings: Pick<MemberSettings, 'logKeptEntries' | 'logKeptBytes' | 'logHeldBytesMax'>;
  readonly onFailure: (error: Error) => void;
}

/** Applied entries, as many as are let go of together. */
interface Lot {
  entries: number;
  bytes: number;
  lastIndex: number;
}

/**
 * Lets go of log entries that a restart no longer needs: those that are applied and durable in the backend; what is kept
 * serves followers that lag behind, too. Applied entries are counted off in lots, by number and by bytes; when a lot is
 * full, the lots before it are let go of. So between one and two lots of applied entries are kept, whatever the size of
 * the entries; and more, within a bound, while followers need them that were sent a snapshot.
 */
export class LogPurger {
  readonly #parts: LogPurgerParts;
  /** Those that are full, the oldest first; the last one stays. */
  readonly #full: Lot[] = [];
  #filling: Lot = emptyLot();
  #purging: Promise<void> | undefined;
  #isHeld = false;

  constructor(parts: LogPurgerParts) {
    this.#parts = parts;
  }

  /** Takes note of entries that have just been applied. */
  applied(entries: readonly Entry[]): void {
    const lot = this.#filling;
    const { logKeptEntries, logKeptBytes } = this.#parts.settings;
    lot.entries += entries.length;
    for (const entry of entries) lot.bytes += entry.data.length;
    if (lot.entries < logKeptEntries && lot.bytes < logKeptBytes) return;
    if (this.#purging !== undefined || this.#isHeld) return;
    lot.lastIndex = (entries.at(-1) as Entry).index;
    this.#full.push(lot);
    this.#filling = emptyLot();
    this.#begin();
  }

  /** Some time has passed: followers for whom more was kept may have caught up. */
  sweep(): void {
    if (this.#purging === undefined && !this.#isHeld) this.#begin();
  }

  /** Resolves when nothing is being purged, and nothing will be until it is released. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.#purging;
  }

  release(): void {
    this.#isHeld = false;
  }

  #begin(): void {
    const before = this.#full.at(-2);
    const index = before === undefined ? 0 : this.#takeUpTo(this.#needed(before.lastIndex));
    if (index === 0) return;
    this.#purging = this.#purge(index)
      .catch(this.#parts.onFailure)
      .finally(() => (this.#purging = undefined));
  }

  async #purge(index: number): Promise<void> {
    const { state, raft, log } = this.#parts;
    await state().backend.flush();
    if (this.#isHeld) return;
    raft.compactTo(index);
    await log.compactTo(index);
  }

  /** Up to where the log may be let go of, if it could otherwise be up to `index`. */
  #needed(index: number): number {
    const { catchUps, settings } = this.#parts;
    const needed = catchUps.mayLetGoTo(index);
    if (needed === index) return index;
    const held = this.#full.slice(0, -1);
    const heldBytes = held.reduce((sum, { entries, bytes }) => sum + bytes + entries * ENTRY_BYTES, 0);
    if (heldBytes <= settings.logHeldBytesMax) return needed;
    catchUps.giveUp(heldBytes);
    return index;
  }

  /** The last entry of the lots that end at `index` or before it, which are let go of; 0 if there are none. */
  #takeUpTo(index: number): number {
    let last = 0;
    while (this.#full[0] !== undefined && this.#full[0].lastIndex <= index)
      last = (this.#full.shift() as Lot).lastIndex;
    return last;
  }
}

function emptyLot(): Lot {
  return { entries: 0, bytes: 0, lastIndex: 0 };
}

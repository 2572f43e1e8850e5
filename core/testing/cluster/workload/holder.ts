import { hasCode } from '../../../base/errors.js';
import type { Store } from '../../../store.js';
import { put } from '../../../txn.js';
import type { Held } from '../../../../recipes/held.js';
import type { History } from '../../checkers/history/history.js';
import { guardedValue } from './exclusive-line.js';
import { isPassing } from './surroundings.js';
import type { ExclusiveName, TakeOptions, Taker } from './taker.js';

export interface HolderParts {
  readonly store: Store;
  readonly taker: Taker;
  /** What is asked of keys, and answered. */
  readonly history: History;
  /** Who was granted what, when, as the model of a lock has it. */
  readonly holds: History;
  /** The time of `holds`. */
  readonly nowMs: () => number;
}

/** One who takes a lock, or an office, writes under its protection and gives it back; all of that is recorded. */
export class Holder {
  readonly #user: string;
  readonly #key: string;
  readonly #guardedKey: string;
  readonly #parts: HolderParts;

  constructor(user: string, of: ExclusiveName & { readonly guardedKey: string }, parts: HolderParts) {
    this.#user = user;
    this.#key = `${of.kind} ${of.name}`;
    this.#guardedKey = of.guardedKey;
    this.#parts = parts;
  }

  /**
   * The lease is as old as its latest renewal: of what it has left, only what the session is sure of is recorded. Whoever
   * gives up may have been granted it for a moment, and lost it, without anybody having been told.
   */
  async acquire(options: TakeOptions): Promise<Held> {
    const { holds, taker, nowMs } = this.#parts;
    const id = holds.begin(this.#user, { op: 'acquire', key: this.#key, ttl: 0 });
    const calledMs = nowMs();
    try {
      const held = await taker.take(options);
      const { safeForMs } = taker;
      const ttlMs = safeForMs === undefined ? 0 : Math.max(0, nowMs() - calledMs + safeForMs);
      holds.ok(id, { token: held.fencingToken, ttl: Math.floor(ttlMs * 1_000) });
      return held;
    } catch (error) {
      holds.failed(id);
      throw error;
    }
  }

  async release(held: Held): Promise<void> {
    const { holds } = this.#parts;
    const id = holds.begin(this.#user, { op: 'release', key: this.#key, token: held.fencingToken });
    // Lost: before, or nobody knows.
    if ((await held.release()) === 'released') holds.ok(id, { result: true });
    else holds.unknown(id);
  }

  /**
   * Also tried when the hold may be lost already: it is the store that must refuse it then.
   *
   * @param id - of this write, and of no other
   * @throws what does not pass
   */
  async write(held: Held, id: string): Promise<'written' | 'refused' | 'unanswered'> {
    const { store, history, holds } = this.#parts;
    const value = guardedValue({ token: held.fencingToken, holder: this.#user }, id);
    const guarded = holds.begin(this.#user, { op: 'guarded', key: this.#key, token: held.fencingToken });
    const work = () => held.guard(store.txn()).do(put(this.#guardedKey, value)).commit();
    const call = { op: 'put', key: this.#guardedKey, value } as const;
    try {
      await history.track(this.#user, call, { work, answerOf: ({ revision }) => ({ revision }) });
      holds.ok(guarded, { result: true });
      return 'written';
    } catch (error) {
      if (hasCode(error, 'HOLD_LOST')) holds.ok(guarded, { result: false });
      // To the model of a lock, which does not know what is written, it makes no difference whether it was.
      else holds.failed(guarded);
      if (!isPassing(error)) throw error;
      return hasCode(error, 'HOLD_LOST') ? 'refused' : 'unanswered';
    }
  }
}

/** Whether whoever has it would go on by it now. */
export function believes(held: Held): boolean {
  try {
    held.assertHeld();
    return true;
  } catch {
    return false;
  }
}

import type { CallOptions } from '../../core/store.js';
import { put } from '../../core/txn.js';
import type { Held } from '../held.js';
import { type HoldSource, KeyHold } from '../key-hold.js';
import { toJson } from '../metadata.js';
import { persist } from '../retry.js';
import { linkSignals } from '../wait.js';

/** What the winner of an election holds, until it resigns or loses it. */
export interface Leadership<T> extends Held {
  /** The number of this leadership, higher than any before it: its `fencingToken` by another name. */
  readonly term: number;
  /**
   * Publishes another value for this leader. One after the other, in the order of the calls; repeated until the store has
   * answered or the leadership has ended. If the signal calls it off, it may still be carried out.
   *
   * @throws {@link HoldLostError} if this leadership has ended, by the store's word; nothing was published
   */
  proclaim(value: T, options?: CallOptions): Promise<void>;
  /** Makes way for the next candidate: `release()` by another name. */
  resign(): Promise<'released' | 'lost'>;
}

/** A leadership that is the candidate's key in the store. */
export class KeyLeadership<T> extends KeyHold implements Leadership<T> {
  readonly #parts: HoldSource;
  #proclaiming: Promise<void> = Promise.resolve();

  constructor(source: HoldSource) {
    super(source);
    this.#parts = source;
  }

  get term(): number {
    return this.fencingToken;
  }

  proclaim(value: T, options: CallOptions = {}): Promise<void> {
    const proclaiming = this.#proclaiming.then(() => this.#proclaim(value, options));
    this.#proclaiming = proclaiming.catch(() => undefined);
    return proclaiming;
  }

  resign(): Promise<'released' | 'lost'> {
    return this.release();
  }

  async #proclaim(value: T, options: CallOptions): Promise<void> {
    this.assertHeld();
    const { store, grant } = this.#parts;
    const bytes = toJson({ ...grant.owner, value }, 'value');
    const link = linkSignals(options.signal, this.signal);
    try {
      // Repeated as it is, it publishes the same again.
      const txn = this.guard(store.txn()).do(put(grant.key, bytes, { lease: grant.lease }));
      await persist(store.clock, link.signal, () => txn.commit({ signal: link.signal }));
    } finally {
      link.unlink();
    }
  }
}

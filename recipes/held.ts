import type { Txn } from '../core/txn.js';

/** Something that one holder at a time has: a lock, a leadership, a delivery. Disposing releases it. */
export interface Held extends AsyncDisposable {
  /**
   * Grows with every grant. Pass it to whatever the hold protects outside the store, and let that reject a token lower than
   * the highest it has seen: only so is a holder that stalled past its lease kept from doing harm.
   */
  readonly fencingToken: number;
  /**
   * Aborts when the hold is lost or about to be, before the store can grant it to anyone else; the reason is
   * {@link HoldLostError}. Aborts as well when it is released, with {@link NotHeldError}: what still runs then runs unprotected.
   */
  readonly signal: AbortSignal;
  /**
   * Whether it is held, by the local deadline; asks the store nothing.
   *
   * @throws {@link HoldLostError} if it was lost, {@link NotHeldError} if it was released
   */
  assertHeld(): void;
  /**
   * Adds the condition that this hold still stands in the store. A stale holder's transaction is then rejected as a whole:
   * `commit()` throws {@link HoldLostError} and nothing is done.
   */
  guard(txn: Txn): Txn;
  /**
   * Gives it back, so that the next in line has it at once. Idempotent, and never rejects.
   *
   * @returns `'lost'` if it had been lost before, or if the store could not confirm the release while the session lived
   */
  release(): Promise<'released' | 'lost'>;
}

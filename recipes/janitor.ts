import { sleep } from '../core/base/clock.js';
import { TooManyRequestsError } from '../core/base/errors.js';
import type { Logger } from '../core/base/logger.js';
import type { Store } from '../core/store.js';
import { createRevision, remove } from '../core/txn.js';
import { persist } from './retry.js';
import type { Session } from './session/session.js';
import { linkSignals } from './wait.js';

/** Leftovers at once, per recipe. Above it, new acquisitions are refused: the store has been away for long. */
export const LEFTOVERS_MAX = 1_000;

/**
 * When to look again for a key whose creation may still be on its way, in milliseconds from one look to the next. A request
 * that was called off may be carried out late; etcd gives up on one after some seven seconds.
 */
const LOOK_AGAIN_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000];

/** A key that a cancelled or failed attempt may have left. */
export interface Leftover {
  readonly key: string;
  /** The revision that created it; absent if the answer to its creation was lost. */
  readonly createRevision?: number;
}

/**
 * Deletes in the background what cancelled and failed attempts may have left in the store, so that a place nobody wants
 * keeps nobody waiting. A delete is guarded by the create revision, and repeated until the store has confirmed it, or until
 * the session has ended and the lease takes the key with it.
 */
export class Janitor {
  readonly #store: Store;
  readonly #sweeps = new Set<Promise<void>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** How many leftovers are being seen to. */
  get leftoverCount(): number {
    return this.#sweeps.size;
  }

  /**
   * To be asked before an attempt that may leave something.
   *
   * @throws {@link TooManyRequestsError} while a thousand leftovers are waiting for the store
   */
  assertRoom(): void {
    if (this.#sweeps.size >= LEFTOVERS_MAX) throw new TooManyRequestsError('cancelled acquisitions', LEFTOVERS_MAX);
  }

  /** Takes over a leftover that lives by the session's lease. Answers at once and never throws. */
  sweep(session: Session, leftover: Leftover): void {
    const sweep = this.#sweep(session, leftover).finally(() => this.#sweeps.delete(sweep));
    this.#sweeps.add(sweep);
  }

  /** Resolves once everything taken over so far has been seen to. */
  async settled(): Promise<void> {
    await Promise.all(this.#sweeps);
  }

  async #sweep(session: Session, { key, createRevision: created }: Leftover): Promise<void> {
    const { clock, logger } = this.#store;
    const bound = linkSignals(session.signal.aborted ? undefined : session.signal);
    // A session that is lost renews nothing: after one TTL its lease has ended, and its keys with it.
    const timer = session.signal.aborted
      ? clock.after(session.ttlMs, () => bound.abort(session.signal.reason))
      : undefined;
    try {
      if (created !== undefined) return await this.#delete(key, createRevision(key).equals(created), bound.signal);
      for (const pauseMs of [0, ...LOOK_AGAIN_MS]) {
        await sleep(clock, pauseMs, bound.signal);
        await this.#delete(key, createRevision(key).isGreaterThan(0), bound.signal);
      }
    } catch (error) {
      reportLeft(logger, key, error);
    } finally {
      timer?.cancel();
      bound.unlink();
    }
  }

  async #delete(
    key: string,
    condition: ReturnType<ReturnType<typeof createRevision>['equals']>,
    signal: AbortSignal,
  ): Promise<void> {
    await persist(this.#store.clock, signal, () =>
      this.#store.txn().when(condition).do(remove(key)).commit({ signal }),
    );
  }
}

function reportLeft(logger: Logger, key: string, error: unknown): void {
  logger.debug({ key, err: error }, 'a leftover key was left to its lease');
}

import { toText } from '../../core/base/bytes.js';
import { hasCode } from '../../core/base/errors.js';
import { prefix as prefixRange } from '../../core/base/key-range.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { CallOptions, RangeOptions, Store } from '../../core/store.js';
import { PlaceLostError } from '../errors.js';
import { ForeignReport } from '../foreign.js';
import type { Janitor } from '../janitor.js';
import type { Metadata } from '../metadata.js';
import { persist } from '../retry.js';
import type { Session } from '../session/session.js';
import { linkSignals } from '../wait.js';
import { type Asked, Attempt, type Grant } from './attempt.js';
import { isPlace, type Place, toPlace } from './place.js';
import { type Incarnation, untilGone } from './until-gone.js';

/** So often at most a line that holds foreign keys alone is looked at, if more of them keep coming. */
const LOOKS_MAX = 10;
const FIRST_FIRST: RangeOptions = { sortTarget: 'createRevision', sortOrder: 'ascend' };

/** All who stand in a line at one revision. */
export interface LineView {
  /** First come, first. The first one holds. */
  readonly places: readonly Place[];
  /** The values behind `places`, as they are in the store. */
  readonly values: readonly Uint8Array[];
  /** Keys in the prefix that are no places; they are passed over. Somebody should remove them. */
  readonly foreignKeys: readonly string[];
  readonly revision: number;
}

/**
 * First come, first served, over the keys of a prefix: each acquisition has a key that lives by its session's lease, and the
 * one with the lowest create revision holds. Mutex and Election are two readings of it.
 *
 * - An acquisition's id is chosen before the first attempt and is part of its key, so an attempt whose answer was lost is
 *   recognised when it is repeated.
 * - A waiter watches the place before its own, and its own: one departure wakes one waiter.
 * - A grant is never inferred from an event. A transaction proves it: own key there, nothing in the prefix older. Since
 *   create revisions only grow, who is first stays first until it leaves.
 * - Whatever fails or is cancelled goes to the janitor.
 *
 * @remarks Sources: etcd's concurrency recipes, for the order by create revision and the watch on the predecessor; the Jepsen
 * report on etcd 3.4.3, for the proof after waiting.
 */
export class WaitingLine {
  readonly #store: Store;
  readonly #what: string;
  readonly #prefix: string;
  readonly #janitor: Janitor;
  readonly #foreign: ForeignReport;

  /**
   * @param what - what stands at the end of the line, for errors
   * @param prefix - the start of its keys; no other line's may begin with it
   */
  constructor(store: Store, what: string, prefix: string, janitor: Janitor) {
    this.#store = store;
    this.#what = what;
    this.#prefix = prefix;
    this.#janitor = janitor;
    this.#foreign = new ForeignReport(store.logger, what);
  }

  /**
   * Queues and waits for the turn.
   *
   * @param fields - what the key's value says beside who we are
   * @param signal - calls the wait off; it must abort with the session, too
   * @throws {@link SessionLostError}, {@link PlaceLostError}, {@link TooManyRequestsError} (see {@link Janitor}), the
   * signal's reason, or an error of the store that waiting cannot mend. Nothing is left behind.
   */
  acquire(session: Session, fields: Metadata, signal: AbortSignal): Promise<Grant> {
    return this.#attempt(session, fields, signal, async (attempt) => {
      const asked = await attempt.enqueue();
      return asked.granted ?? (await this.#waitForTurn(attempt, asked));
    });
  }

  /**
   * Takes the first place if the line is empty; else leaves no trace in it.
   *
   * @throws as {@link acquire}
   */
  tryAcquire(session: Session, fields: Metadata, signal: AbortSignal): Promise<Grant | undefined> {
    return this.#attempt(session, fields, signal, async (attempt) => {
      let answer = await attempt.takeIfEmpty();
      for (let looks = 1; answer.foreign.length > 0 && looks < LOOKS_MAX; looks += 1) {
        for (const { key } of answer.foreign) this.#foreign.found(key);
        answer = await attempt.takeIfEmpty(answer.revision);
      }
      return answer.granted;
    });
  }

  /** Who stands in line. */
  async view(options: CallOptions = {}): Promise<LineView> {
    const answer = await this.#store.range(prefixRange(this.#prefix), { ...FIRST_FIRST, ...options });
    return viewOf(this.#prefix, answer.kvs, answer.revision);
  }

  /** Runs one attempt; if it gains nothing, sees to it that it leaves nothing. */
  async #attempt<G extends Grant | undefined>(
    session: Session,
    fields: Metadata,
    signal: AbortSignal,
    work: (attempt: Attempt) => Promise<G>,
  ): Promise<G> {
    this.#janitor.assertRoom();
    let attempt: Attempt | undefined;
    try {
      attempt = new Attempt(this.#store, this.#prefix, session, fields, signal);
      return await work(attempt);
    } catch (error) {
      if (attempt?.mayHaveLeft) this.#janitor.sweep(session, attempt.leftover);
      if (hasCode(error, 'LEASE_NOT_FOUND')) throw session.reportGone(error);
      throw error;
    }
  }

  async #waitForTurn(attempt: Attempt, asked: Asked): Promise<Grant> {
    for (;;) {
      if (asked.granted) return asked.granted;
      if (!asked.ownStands) throw await this.#placeLost(attempt);
      if (asked.before) await this.#untilEitherIsGone(attempt, asked.before, asked.revision);
      asked = await attempt.ask();
      for (const { key } of asked.passedOver) this.#foreign.found(key);
    }
  }

  async #untilEitherIsGone(attempt: Attempt, before: Incarnation, revision: number): Promise<void> {
    const watching = linkSignals(attempt.signal);
    try {
      await Promise.race(
        [before, attempt.incarnation].map((key) => untilGone(this.#store, key, revision, watching.signal)),
      );
    } finally {
      watching.unlink();
      watching.abort(new Error('one of the two is gone'));
    }
  }

  /** Our key is gone: with our lease, or by somebody's hand? */
  async #placeLost({ session, signal, key }: Attempt): Promise<Error> {
    try {
      const { clock } = this.#store;
      await persist(clock, signal, () => this.#store.lease(session.lease).keepAlive({ signal }));
    } catch (error) {
      return error as Error;
    }
    return new PlaceLostError(this.#what, key);
  }
}

/** The line that a range of its prefix shows. */
function viewOf(prefix: string, kvs: readonly KeyValue[], revision: number): LineView {
  const standing = kvs
    .filter((kv) => isPlace(prefix, kv))
    .sort((one, other) => one.createRevision - other.createRevision);
  return {
    places: standing.map((kv) => toPlace(prefix, kv)),
    values: standing.map(({ value }) => value),
    foreignKeys: kvs.filter((kv) => !isPlace(prefix, kv)).map(({ key }) => toText(key)),
    revision,
  };
}

import type { Timer } from '../core/base/clock.js';
import { hasCode } from '../core/base/errors.js';
import type { Store } from '../core/store.js';
import { createRevision, leaseOf, remove, type Txn } from '../core/txn.js';
import { HoldLostError, NotHeldError } from './errors.js';
import type { Held } from './held.js';
import type { Janitor } from './janitor.js';
import type { Grant } from './line/attempt.js';
import { untilGone } from './line/until-gone.js';
import { persist } from './retry.js';
import type { Session } from './session/session.js';
import { onAbort } from './wait.js';

/**
 * How long a hold lasts before it watches its own key. Short ones are over before anyone could take it from them, and need
 * not pay for a watch; a later watch misses nothing, because it starts at the revision of the grant.
 */
const WATCH_AFTER_MS = 100;

/** What a hold is made from. */
export interface HoldSource {
  readonly store: Store;
  readonly session: Session;
  readonly janitor: Janitor;
  /** The name of what is held, for people. */
  readonly name: string;
  readonly grant: Grant;
  /** Called once, when it has ended: it was released, or, with the error, it was lost. */
  readonly onEnd: (error: HoldLostError | undefined) => void;
}

/**
 * A hold that is a key in the store: it lives by a session's lease, and its create revision is the fencing token. It is
 * lost when the session is, when somebody deletes the key, or when the store rejects one of its guards.
 */
export class KeyHold implements Held {
  readonly fencingToken: number;
  /** The name of what is held. */
  readonly name: string;
  readonly #source: HoldSource;
  readonly #ended = new AbortController();
  readonly #watchTimer: Timer;
  #offSession: () => void = () => {};
  #state: 'held' | 'lost' | 'released' = 'held';
  #why: HoldLostError | NotHeldError | undefined;
  #watching: AbortController | undefined;
  #releasing: Promise<'released' | 'lost'> | undefined;

  constructor(source: HoldSource) {
    this.#source = source;
    this.name = source.name;
    this.fencingToken = source.grant.createRevision;
    this.#watchTimer = source.store.clock.after(WATCH_AFTER_MS, () => void this.#watch());
    this.#offSession = onAbort(source.session.signal, (reason) => this.#lose(reason));
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  assertHeld(): void {
    // A session that is past its deadline ends here, if its timer has not come round to it, and takes us with it.
    if (this.#state === 'held') void this.#source.session.state;
    if (this.#why) throw this.#why;
  }

  guard(txn: Txn): Txn {
    const { grant } = this.#source;
    return txn.guard(
      [createRevision(grant.key).equals(grant.createRevision), leaseOf(grant.key).equals(grant.lease)],
      () => {
        this.#lose(undefined);
        return this.#why instanceof HoldLostError ? this.#why : new HoldLostError(this.name, this.fencingToken);
      },
    );
  }

  release(): Promise<'released' | 'lost'> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Aborts the signal, so that the work stops, without giving anything back: that is for after the work has stopped. */
  interrupt(reason: unknown): void {
    this.#ended.abort(reason);
  }

  async #release(): Promise<'released' | 'lost'> {
    const { grant, session, janitor } = this.#source;
    // Past the deadline it is lost, whether or not anybody has noticed.
    void session.state;
    if (this.#state === 'lost') {
      janitor.sweep(session, grant);
      return 'lost';
    }
    this.#end('released', new NotHeldError(this.name));
    const outcome = await this.#giveBack();
    if (grant.inDoubt) janitor.sweep(session, { key: grant.key });
    this.#source.onEnd(outcome === 'lost' ? new HoldLostError(this.name, this.fencingToken) : undefined);
    return outcome;
  }

  async #giveBack(): Promise<'released' | 'lost'> {
    try {
      return await this.#deleteKey();
    } catch (error) {
      const { store, janitor, session, grant } = this.#source;
      store.logger.warn({ name: this.name, err: error }, 'a release was not confirmed');
      janitor.sweep(session, grant);
      return 'lost';
    }
  }

  /** Deletes our key and nobody else's; repeats that until the store has answered or the session has ended. */
  async #deleteKey(): Promise<'released' | 'lost'> {
    const { store, session, grant } = this.#source;
    const deleting = store.txn().when(createRevision(grant.key).equals(grant.createRevision)).do(remove(grant.key));
    let inDoubt = false;
    const { succeeded } = await persist(store.clock, session.signal, async () => {
      try {
        return await deleting.commit({ signal: session.signal });
      } catch (error) {
        inDoubt ||= hasCode(error, 'OUTCOME_UNKNOWN');
        throw error;
      }
    });
    // While the session lives nothing but our own delete, whose answer was lost, takes the key away.
    return succeeded || inDoubt ? 'released' : 'lost';
  }

  #lose(cause: unknown): void {
    if (this.#state !== 'held') return;
    const error = new HoldLostError(this.name, this.fencingToken, { cause });
    this.#end('lost', error);
    this.#source.store.logger.error(
      { name: this.name, fencingToken: this.fencingToken, err: cause },
      'a hold was lost',
    );
    this.#source.onEnd(error);
  }

  #end(state: 'lost' | 'released', why: HoldLostError | NotHeldError): void {
    this.#state = state;
    this.#why = why;
    this.#ended.abort(why);
    this.#watchTimer.cancel();
    this.#watching?.abort(why);
    this.#offSession();
  }

  /** Notices a deletion from outside: an operator's. */
  async #watch(): Promise<void> {
    const { store, grant } = this.#source;
    const { signal } = (this.#watching = new AbortController());
    try {
      await untilGone(store, grant, grant.revision, signal);
      this.#lose(undefined);
    } catch (error) {
      if (!signal.aborted) {
        store.logger.warn(
          { name: this.name, err: error },
          'a hold can no longer be watched; its session still guards it',
        );
      }
    }
  }
}

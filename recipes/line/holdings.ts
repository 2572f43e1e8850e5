import { ClosedError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import type { HoldLostError } from '../errors.js';
import { Janitor } from '../janitor.js';
import type { HoldSource, KeyHold } from '../key-hold.js';
import { SessionKeeper, type SessionSource } from '../session/session-keeper.js';
import type { Session } from '../session/session.js';
import { bounded, type WaitOptions } from '../wait.js';
import type { Grant } from './attempt.js';

/** One thing to be had, as {@link Holdings.obtain} needs to know it. */
export interface Obtainable<H extends KeyHold> {
  /** For errors. */
  readonly name: string;
  /** Stands in line, or takes what is free. The signal aborts with the session, too. */
  take(session: Session, signal: AbortSignal): Promise<Grant | undefined>;
  make(source: HoldSource): H;
  onEnd(hold: H, error: HoldLostError | undefined): void;
}

/** What a recipe object and all made from it share: a session, a janitor, and whatever is held or waited for. */
export class Holdings {
  readonly janitor: Janitor;
  readonly #store: Store;
  readonly #what: string;
  readonly #keeper: SessionKeeper;
  readonly #disposed = new AbortController();
  readonly #holds = new Set<KeyHold>();
  #disposing: Promise<void> | undefined;

  constructor(store: Store, what: string, source: SessionSource) {
    this.#store = store;
    this.#what = what;
    this.#keeper = new SessionKeeper(store, what, source);
    this.janitor = new Janitor(store);
  }

  /** Aborts, with {@link ClosedError}, when this is disposed of. */
  get disposed(): AbortSignal {
    return this.#disposed.signal;
  }

  /**
   * Waits, within the caller's bounds, for something to hold.
   *
   * @returns `undefined` if `take` gave nothing
   */
  async obtain<H extends KeyHold>(options: WaitOptions, wanted: Obtainable<H>): Promise<H | undefined> {
    this.#disposed.signal.throwIfAborted();
    const { session, grant } = await bounded(this.#store.clock, wanted.name, options, async (signal, link) => {
      link.follow(this.#disposed.signal);
      const session = await this.#keeper.current(signal);
      link.follow(session.signal);
      return { session, grant: await wanted.take(session, signal) };
    });
    return grant && this.#hold(session, grant, wanted);
  }

  /** Releases what is held, calls off what is waited for, and closes the session unless it was given. Idempotent. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  #hold<H extends KeyHold>(session: Session, grant: Grant, wanted: Obtainable<H>): H {
    try {
      // Granted at the last moment, it may be too late: a hold begins alive.
      this.#disposed.signal.throwIfAborted();
      session.assertAlive();
    } catch (error) {
      this.janitor.sweep(session, grant);
      throw error;
    }
    const hold: H = wanted.make({
      store: this.#store,
      janitor: this.janitor,
      name: wanted.name,
      session,
      grant,
      onEnd: (error) => {
        this.#holds.delete(hold);
        wanted.onEnd(hold, error);
      },
    });
    this.#holds.add(hold);
    return hold;
  }

  async #dispose(): Promise<void> {
    this.#disposed.abort(new ClosedError(this.#what));
    await Promise.all([...this.#holds].map((hold) => hold.release()));
    await this.#keeper.close();
  }
}

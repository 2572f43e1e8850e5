import type { Duration } from '../../core/base/duration.js';
import { ClosedError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { abortable } from '../wait.js';
import { Session } from './session.js';

/** The part of a recipe's options that is about its session. */
export interface SessionSource {
  /** The TTL of the recipe's own session. Default: `'15s'`. */
  readonly ttl?: Duration;
  /** A session to use instead of an own one. The recipe never closes it, and throws once it is lost. */
  readonly session?: Session;
}

/**
 * The session of one recipe: opened when it is first needed, shared by all that the recipe does, opened anew after it was
 * lost, closed with the recipe. A session that was given is used as it is.
 */
export class SessionKeeper {
  readonly #store: Store;
  readonly #what: string;
  readonly #source: SessionSource;
  #opening: Promise<Session> | undefined;
  #closed = false;

  /** @param what - whose session it is, for errors */
  constructor(store: Store, what: string, source: SessionSource) {
    this.#store = store;
    this.#what = what;
    this.#source = source;
  }

  /**
   * The session to work with now.
   *
   * @param signal - calls this caller's wait off; the opening goes on for the others
   * @throws {@link SessionLostError} if a session was given and is lost; {@link ClosedError} after {@link close};
   * whatever `Session.open` throws
   */
  async current(signal?: AbortSignal): Promise<Session> {
    if (this.#closed) throw new ClosedError(this.#what);
    if (this.#source.session) {
      this.#source.session.assertAlive();
      return this.#source.session;
    }
    const opening = this.#open();
    const session = await abortable(opening, signal);
    if (isAlive(session)) return session;
    // Lost since it was opened. Whoever comes first opens another; the others find and share that.
    if (this.#opening === opening) this.#opening = undefined;
    return this.current(signal);
  }

  /** Closes the recipe's own session, if it has opened one. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const session = await this.#opening?.catch(() => undefined);
    await session?.close();
  }

  #open(): Promise<Session> {
    if (this.#opening) return this.#opening;
    const { ttl } = this.#source;
    const opening = Session.open(this.#store, ttl === undefined ? {} : { ttl });
    this.#opening = opening;
    opening.catch(() => {
      // The next caller tries again.
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }
}

function isAlive(session: Session): boolean {
  return session.state === 'alive' || session.state === 'atRisk';
}

import { assert } from '../../core/base/assert.js';
import { toMilliseconds } from '../../core/base/duration.js';
import { TimeoutError } from '../../core/base/errors.js';
import type { CallOptions, Store } from '../../core/store.js';
import { Emitter } from '../emitter.js';
import type { HoldLostError } from '../errors.js';
import type { Held } from '../held.js';
import { KeyHold } from '../key-hold.js';
import { nameWithin, recipePrefix } from '../keys.js';
import { Holdings } from '../line/holdings.js';
import type { Place } from '../line/place.js';
import { WaitingLine } from '../line/waiting-line.js';
import type { Metadata } from '../metadata.js';
import type { SessionSource } from '../session/session-keeper.js';
import { mergedSettings, requiredName } from '../settings.js';
import type { WaitOptions } from '../wait.js';
import { withCurrentHeld } from './current-held.js';

/** Options of a {@link Mutex}. A class with `@mutex({...})` needs none. */
export interface MutexOptions extends SessionSource {
  /** What is locked. Everybody who gives this name, in this namespace, shares one lock. */
  readonly name?: string;
  /** The first part of the lock's keys. Default: `'conclave'`. */
  readonly namespace?: string;
  /** What {@link Mutex.inspect} shall show beside host and process. Keep it small: it is read with every grant. */
  readonly metadata?: Metadata;
}

export interface AcquireOptions extends WaitOptions {
  /** More to show for this acquisition, over the mutex's own metadata. */
  readonly metadata?: Metadata;
}

/** Who has a lock and who waits for it, at one revision. */
export interface MutexView {
  readonly holder?: Place;
  /** In the order in which they will have it. */
  readonly waiters: readonly Place[];
  /** Keys below the lock's that are not Conclave's. They are passed over; somebody should remove them. */
  readonly foreignKeys: readonly string[];
  readonly revision: number;
}

export interface MutexEvents {
  acquired: (held: Held, name: string) => void;
  /** Follows an `acquired`, unless `lost` does. */
  released: (held: Held, name: string) => void;
  /** The hold was lost before it was released; its signal has aborted. */
  lost: (held: Held, name: string, error: HoldLostError) => void;
}

/**
 * A lock between processes: first come, first served.
 *
 * Guarantee: the store grants it to one holder at a time, in the order of their coming, and each grant has a higher
 * `fencingToken`. A holder that stalls past its lease may still believe for a moment that it holds. Inside the store,
 * `held.guard(txn)` has its writes rejected; outside, let the resource compare fencing tokens.
 *
 * It is not re-entrant: who acquires it twice queues behind itself, also through one object and one session. Nothing
 * is asked of the store before the first use.
 *
 * @example
 * ```ts
 * const orders = new Mutex(store, { name: 'orders', ttl: '15s' });
 * await using held = await orders.of(tenant).acquire({ timeout: '5s' });
 * await held.guard(store.txn()).do(put(`orders/${id}`, 'charged')).commit();
 * ```
 *
 * @remarks Sources: etcd's concurrency recipes; Kleppmann 2016 on fencing; `WaitingLine` for what is done otherwise.
 */
export class Mutex extends Emitter<MutexEvents> implements AsyncDisposable {
  /** What is locked; of a lock made by {@link of}, its parts joined by slashes. */
  readonly name: string;
  readonly #store: Store;
  readonly #options: MutexOptions;
  readonly #parent: Mutex | undefined;
  readonly #holdings: Holdings;
  readonly #line: WaitingLine;

  /**
   * @throws {@link InvalidArgumentError} if there is no name, neither here nor in a decorator, or if name or namespace are
   * empty, too long, or have a slash at an end
   */
  constructor(store: Store, options?: MutexOptions) {
    super(store.logger);
    const merged: WithParent = mergedSettings(new.target, 'mutex', options);
    this.name = requiredName(new.target, 'mutex', merged);
    this.#store = store;
    this.#options = merged;
    this.#parent = merged[PARENT];
    this.#holdings = this.#parent ? this.#parent.#holdings : new Holdings(store, this.#what, merged);
    const prefix = `${recipePrefix(merged.namespace, 'mutex', this.name)}q/`;
    this.#line = new WaitingLine(store, this.#what, prefix, this.#holdings.janitor);
  }

  /**
   * The lock of something within: `orders.of(tenant)`. Different parts never share a lock, whatever text is in them. It
   * shares this lock's session and options; its events are told to listeners on this one, too.
   *
   * @throws {@link InvalidArgumentError} if a part is empty
   */
  of(...name: readonly string[]): Mutex {
    const child: WithParent = { ...this.#options, name: nameWithin(this.name, ...name), [PARENT]: this };
    return new Mutex(this.#store, child);
  }

  /**
   * Takes the lock, waiting in line behind earlier holders and waiters.
   *
   * @param options - a `timeout` of 0 takes it only if nobody is in line
   * @throws {@link TimeoutError} or the signal's reason, if the wait was called off; {@link SessionLostError} if the lease
   * ended while waiting; {@link PlaceLostError} if somebody removed us from the line; {@link TooManyRequestsError} while a
   * thousand cancelled acquisitions wait to be cleared; {@link ClosedError} after {@link dispose}. Nothing is left behind.
   */
  async acquire(options: AcquireOptions = {}): Promise<Held> {
    if (options.timeout !== undefined && toMilliseconds(options.timeout, 'timeout') === 0) {
      const { timeout: _, ...rest } = options;
      const held = await this.tryAcquire(rest);
      if (!held) throw new TimeoutError(this.#what, 0);
      return held;
    }
    const held = await this.#obtain('acquire', options);
    assert(held !== undefined, 'who waits in line without giving up is granted its turn');
    return held;
  }

  /**
   * Takes the lock if nobody has it or waits for it. Does not queue, not even for a moment.
   *
   * @returns `undefined` if somebody is in line
   * @throws as {@link acquire}
   */
  async tryAcquire(options: AcquireOptions = {}): Promise<Held | undefined> {
    return this.#obtain('tryAcquire', options);
  }

  /**
   * Takes the lock, does the work, releases. In the work, {@link currentHeld} answers the hold.
   *
   * What the work throws is thrown on as it is; a failing release never hides it. Work cannot be stopped from outside: pass
   * `held.signal` to what it waits for.
   *
   * @throws {@link HoldLostError} if the work came to its end, but the lock had been lost by then; else as {@link acquire}
   */
  async run<R>(work: (held: Held) => R | Promise<R>, options: AcquireOptions = {}): Promise<R> {
    const held = await this.acquire(options);
    try {
      const result = await withCurrentHeld(held, () => work(held));
      held.assertHeld();
      return result;
    } finally {
      await held.release();
    }
  }

  /** Who has the lock and who waits, with what they told of themselves. */
  async inspect(options: CallOptions = {}): Promise<MutexView> {
    const { places, foreignKeys, revision } = await this.#line.view(options);
    const [holder, ...waiters] = places;
    return { ...(holder && { holder }), waiters, foreignKeys, revision };
  }

  /**
   * Releases what is held through this object and those made by {@link of}, calls off what waits, with
   * {@link ClosedError}, and closes the session, unless that was given. Idempotent; never rejects.
   */
  dispose(): Promise<void> {
    return this.#holdings.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  get #what(): string {
    return `mutex ${this.name}`;
  }

  async #obtain(how: 'acquire' | 'tryAcquire', options: AcquireOptions): Promise<Held | undefined> {
    const metadata = { ...this.#options.metadata, ...options.metadata };
    const hold = await this.#holdings.obtain(options, {
      name: this.#what,
      take: (session, signal) => this.#line[how](session, metadata, signal),
      make: (source) => new KeyHold(source),
      onEnd: (held, error) => this.#tell((mutex) => mutex.#announceEnd(held, this.name, error)),
    });
    if (hold) this.#tell((mutex) => mutex.announce('acquired', hold, this.name));
    return hold;
  }

  #announceEnd(held: Held, name: string, error: HoldLostError | undefined): void {
    if (error) this.announce('lost', held, name, error);
    else this.announce('released', held, name);
  }

  /** Tells our listeners, and those of the lock we were made from. */
  #tell(announce: (mutex: Mutex) => void): void {
    announce(this);
    if (this.#parent) this.#parent.#tell(announce);
  }
}

/** Given with the options of a lock that was made by `of`: whose session and listeners it shares. */
const PARENT = Symbol('parent');

interface WithParent extends MutexOptions {
  readonly [PARENT]?: Mutex;
}

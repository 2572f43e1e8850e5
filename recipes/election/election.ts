import { assert } from '../../core/base/assert.js';
import { hasCode } from '../../core/base/errors.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { CallOptions, Store } from '../../core/store.js';
import { Emitter } from '../emitter.js';
import type { HoldLostError } from '../errors.js';
import { recipePrefix } from '../keys.js';
import { Holdings } from '../line/holdings.js';
import { observeFirst } from '../line/observe-first.js';
import { type Place, toPlace } from '../line/place.js';
import { WaitingLine } from '../line/waiting-line.js';
import { type Metadata, parseObject } from '../metadata.js';
import { isTransient, persist } from '../retry.js';
import type { SessionSource } from '../session/session-keeper.js';
import { mergedSettings, requiredName } from '../settings.js';
import { linkSignals, onAbort, type WaitOptions } from '../wait.js';
import { KeyLeadership, type Leadership } from './leadership.js';

/** Options of an {@link Election}. A class with `@election({...})` needs none. */
export interface ElectionOptions<T = unknown> extends SessionSource {
  /** What is led. Everybody who gives this name, in this namespace, stands in one election. */
  readonly name?: string;
  /** The first part of the election's keys. Default: `'conclave'`. */
  readonly namespace?: string;
  /** What {@link Election.candidates} shall show beside host and process. */
  readonly metadata?: Metadata;
  /** What a candidate proclaims if it names nothing else. Anything that JSON can hold. */
  readonly value?: T;
}

export interface CampaignOptions extends WaitOptions {
  /** More to show for this candidacy, over the election's own metadata. */
  readonly metadata?: Metadata;
}

export interface LeadOptions<T> extends CampaignOptions {
  /** What to proclaim. Default: the election's `value`. */
  readonly value?: T;
  /**
   * Stand again after the work has returned, after the leadership or the place in line was lost, and when the store was away.
   * Only the signal, a `timeout` while waiting, or an error of the work then ends it. Default: lead once.
   */
  readonly requeue?: boolean;
}

/** Somebody who stands in an election, with what they proclaim; `undefined` if they proclaim nothing. */
export interface Candidate<T> extends Place {
  readonly value: T;
}

/** The first of the candidates. */
export interface Leader<T> extends Candidate<T> {
  /** Higher than that of any leader before. */
  readonly term: number;
}

export interface ElectionEvents<T = unknown> {
  elected: (leadership: Leadership<T>) => void;
  /** Follows an `elected`, unless `lost` does. */
  resigned: (leadership: Leadership<T>) => void;
  /** The leadership was lost before it resigned; its signal has aborted. */
  lost: (leadership: Leadership<T>, error: HoldLostError) => void;
}

/**
 * One leader at a time among those who stand; the next is who has stood longest.
 *
 * Guarantee: as the store sees it there is one leader at a time, and each has a higher `term`. A leader that stalls past its
 * lease may still believe for a moment that it leads: guard its writes with `leadership.guard(txn)`, or let the
 * resource compare terms. Nothing is asked of the store before the first use.
 *
 * @example
 * ```ts
 * const builders = new Election<{ url: string }>(store, { name: 'index-builder', ttl: '10s' });
 * await builders.lead(async (leadership) => buildUntil(leadership.signal), { value: { url }, requeue: true, signal });
 * ```
 *
 * @remarks Sources: etcd's election recipe, for the order by create revision; `WaitingLine` for what is done otherwise.
 */
export class Election<T = unknown> extends Emitter<ElectionEvents<T>> implements AsyncDisposable {
  /** What is led. */
  readonly name: string;
  readonly #store: Store;
  readonly #options: ElectionOptions<T>;
  readonly #prefix: string;
  readonly #holdings: Holdings;
  readonly #line: WaitingLine;

  /**
   * @throws {@link InvalidArgumentError} if there is no name, neither here nor in a decorator, or if name or namespace are
   * empty, too long, or have a slash at an end
   */
  constructor(store: Store, options?: ElectionOptions<T>) {
    super(store.logger);
    this.#store = store;
    this.#options = mergedSettings(new.target, 'election', options);
    this.name = requiredName(new.target, 'election', this.#options);
    this.#prefix = `${recipePrefix(this.#options.namespace, 'election', this.name)}c/`;
    this.#holdings = new Holdings(store, this.#what, this.#options);
    this.#line = new WaitingLine(store, this.#what, this.#prefix, this.#holdings.janitor);
  }

  /**
   * Stands as a candidate and waits to be elected.
   *
   * @param value - what to proclaim. Default: the election's `value`
   * @throws {@link TimeoutError} or the signal's reason, if the wait was called off; {@link SessionLostError} if the lease
   * ended while waiting; {@link PlaceLostError} if somebody removed us from the line; {@link TooManyRequestsError} while a
   * thousand cancelled candidacies wait to be cleared; {@link ClosedError} after {@link dispose}. Nothing is left behind.
   */
  async campaign(value?: T, options: CampaignOptions = {}): Promise<Leadership<T>> {
    return this.#campaign(value, options);
  }

  /**
   * Stands, does the work as the leader, resigns. The work gets the leadership; its signal aborts when that is lost, and when
   * `options.signal` aborts. It resigns only after the work has come to its end.
   *
   * What the work throws is thrown on as it is; a failing resignation never hides it.
   *
   * @throws {@link HoldLostError} if the work came to its end, but the leadership had been lost by then, unless it is to
   * `requeue`; the signal's reason, after the work has ended; else as {@link campaign}
   */
  async lead(
    work: (leadership: Leadership<T>) => unknown,
    { value, requeue = false, ...options }: LeadOptions<T> = {},
  ): Promise<void> {
    const forever = new AbortController().signal;
    const elected = () => this.#campaign(value, options);
    do {
      const leadership = requeue
        ? await persist(this.#store.clock, options.signal ?? forever, elected, isWorthStandingAgain)
        : await elected();
      await leadOnce(leadership, work, requeue, options.signal);
    } while (requeue);
  }

  /** The leader at present, or `undefined` if nobody stands. */
  async leader(options: CallOptions = {}): Promise<Leader<T> | undefined> {
    const { places, values } = await this.#line.view(options);
    return places[0] && { ...toCandidate<T>(places[0], values[0]), term: places[0].fencingToken };
  }

  /** All who stand, the leader first, in the order in which they will lead. */
  async candidates(options: CallOptions = {}): Promise<readonly Candidate<T>[]> {
    const { places, values } = await this.#line.view(options);
    return places.map((place, i) => toCandidate<T>(place, values[i]));
  }

  /**
   * The leader now, then each change: of the leader, or of what it proclaims; `undefined` while nobody leads. A reader that is
   * slow is told of every change that one watch saw, but after compaction or an outage only of how things stand.
   *
   * It never ends by itself: it goes on when the store comes back, and throws if that cannot be.
   *
   * @throws the signal's reason; {@link ClosedError} after {@link dispose}, or once the store is closed
   */
  async *observe(options: CallOptions = {}): AsyncGenerator<Leader<T> | undefined, void> {
    const link = linkSignals(options.signal, this.#holdings.disposed);
    try {
      for await (const first of observeFirst(this.#store, this.#prefix, link.signal)) {
        yield first && this.#toLeader(first);
      }
    } finally {
      link.unlink();
    }
  }

  /**
   * Resigns from what is led through this object, calls off what waits, with {@link ClosedError}, and closes the session,
   * unless that was given. Idempotent; never rejects.
   */
  dispose(): Promise<void> {
    return this.#holdings.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  get #what(): string {
    return `election ${this.name}`;
  }

  async #campaign(value: T | undefined, options: CampaignOptions): Promise<KeyLeadership<T>> {
    const { metadata, value: usual } = this.#options;
    const fields = { ...metadata, ...options.metadata, value: value === undefined ? usual : value };
    const leadership = await this.#holdings.obtain(options, {
      name: this.#what,
      take: (session, signal) => this.#line.acquire(session, fields, signal),
      make: (source) => new KeyLeadership<T>(source),
      onEnd: (ended, error) => this.#announceEnd(ended, error),
    });
    assert(leadership !== undefined, 'who stands without giving up is elected in its turn');
    this.announce('elected', leadership);
    return leadership;
  }

  #announceEnd(leadership: Leadership<T>, error: HoldLostError | undefined): void {
    if (error) this.announce('lost', leadership, error);
    else this.announce('resigned', leadership);
  }

  #toLeader(kv: KeyValue): Leader<T> {
    return { ...toCandidate<T>(toPlace(this.#prefix, kv), kv.value), term: kv.createRevision };
  }
}

/** Does the work under one leadership, and resigns. */
async function leadOnce<T>(
  leadership: KeyLeadership<T>,
  work: (leadership: Leadership<T>) => unknown,
  requeue: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const off = onAbort(signal, (reason) => leadership.interrupt(reason));
  try {
    await work(leadership);
    leadership.assertHeld();
  } catch (error) {
    if (!(requeue && comesFromLoss(leadership, error))) throw error;
  } finally {
    off();
    await leadership.release();
  }
  signal?.throwIfAborted();
}

/** Whether the work failed only because it was told that the leadership is lost. */
function comesFromLoss<T>(leadership: KeyLeadership<T>, error: unknown): boolean {
  const { signal } = leadership;
  if (!signal.aborted || !hasCode(signal.reason, 'HOLD_LOST')) return false;
  return error === signal.reason || hasCode(error, 'HOLD_LOST') || (error as Error | undefined)?.name === 'AbortError';
}

/** A wait that was to end by a timeout has ended; what else can be tried again is. */
function isWorthStandingAgain(error: unknown): boolean {
  return isTransient(error) && !hasCode(error, 'TIMEOUT');
}

function toCandidate<T>({ metadata, ...place }: Place, bytes: Uint8Array | undefined): Candidate<T> {
  const { value: _, ...rest } = metadata;
  return { ...place, metadata: rest, value: bytes && (parseObject(bytes)?.['value'] as T) } as Candidate<T>;
}

import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { ClosedError, InvalidArgumentError } from '../../core/base/errors.js';
import type { Prng } from '../../core/base/prng.js';
import type { Store } from '../../core/store.js';
import { Emitter } from '../emitter.js';
import { checkName, newAcquisitionId } from '../keys.js';
import type { Metadata } from '../metadata.js';
import { SessionKeeper, type SessionSource } from '../session/session-keeper.js';
import { mergedSettings, type RecipeClass, requiredName } from '../settings.js';
import { bounded, linkSignals, type WaitOptions } from '../wait.js';
import { Claimer } from './claimer.js';
import { Consumer } from './consumer.js';
import { type DeadLetter, DeadLetters } from './dead-letters.js';
import type { Delivery } from './delivery.js';
import { GateKeeper } from './gate-keeper.js';
import { checkItem, type ItemSchema } from './item-codec.js';
import { Layout } from './layout.js';
import { Producer, type PutAnswer } from './producer.js';
import { QueueView } from './queue-view.js';
import { lingerMsOf, type Release } from './release.js';
import { type Handler, Runner, type RunOptions } from './runner.js';
import { type QueueStatus, readStatus } from './status.js';
import { StoreTimers } from './store-timer.js';

/** Options of a {@link BarrierQueue}. A class with `@barrierQueue({...})` needs none. */
export interface BarrierQueueOptions<T = unknown, I = T> extends SessionSource {
  /** Everybody who gives this name, in this namespace, shares one queue. */
  readonly name?: string;
  /** When a round is released: {@link items}, {@link item}, {@link key}, {@link manual}, {@link linger}, {@link all}, {@link any}. */
  readonly release?: Release;
  /** How often an item is handed out before it goes to the dead letters. Default: 10. */
  readonly attempts?: number;
  /**
   * The TTL of a consumer's lease. If a consumer dies, or stalls for so long, its items are handed to others. A consumer
   * that lives keeps its items for as long as it wants. Default: `'30s'`.
   */
  readonly ttl?: Duration;
  /** What an item must be: checked by `put`, and again where it is consumed. */
  readonly item?: ItemSchema<T, I>;
  /** The first part of the queue's keys. Default: `'conclave'`. */
  readonly namespace?: string;
  /** What the key of a claim shall show beside host and process. */
  readonly metadata?: Metadata;
  /** Chance for consumers who want the same item at once. */
  readonly prng?: Prng;
}

export interface PutItemOptions extends WaitOptions {
  /** The item's name: an item of this id that is in the queue already is kept, and this one not put. Default: a new one. */
  readonly id?: string;
  /** Do so for this long even if that item has been dealt with meanwhile. */
  readonly dedupeFor?: Duration;
}

export interface BarrierQueueEvents<T> {
  /** A round was opened. Seen while this object consumes. */
  opened: (round: number) => void;
  /** A round was drained, and the next began. Seen while this object consumes. */
  drained: (round: number) => void;
  /** A handler given to `run` threw. */
  failed: (delivery: Delivery<T>, error: unknown) => void;
  /** This object put an item with the dead letters. */
  dead: (id: string, reason: string) => void;
}

const TTL: Duration = '30s';
const ATTEMPTS = 10;
const LETTERS = 100;

/**
 * Items gather in rounds behind a gate. When the round is complete, as its `release` says, the gate opens, and consumers
 * share the items among them, first put first handed out. When all have been dealt with, the gate closes and the next
 * round, into which items may have been put meanwhile, begins.
 *
 * Guarantees: an item that was put is handed out until somebody acknowledges it, or until it has failed too often and lies
 * with the dead letters. No two consumers have an item at the same time as seen by the store; one that stalls past its
 * lease may still believe for a moment that it has it, so make handling an item idempotent, or acknowledge it in the
 * transaction that does the work: `delivery.ack(txn)`. A gate opens once a round. Nothing depends on any process staying alive.
 *
 * @typeParam T - what consumers get
 * @typeParam I - what producers give, if a schema makes something else of it
 *
 * @example
 * ```ts
 * const shards = new BarrierQueue<Shard>(store, { name: 'shards', release: any(items(16), linger('30s')) });
 * await shards.put({ number: 7 }, { id: 'shard-7' });
 * await shards.run(async ({ item }) => build(item), { concurrency: 4, signal });
 * ```
 */
export class BarrierQueue<T, I = T> extends Emitter<BarrierQueueEvents<T>> implements AsyncDisposable {
  readonly name: string;
  readonly #store: Store;
  readonly #release: Release;
  readonly #schema: ItemSchema<T, I> | undefined;
  readonly #layout: Layout;
  readonly #timers: StoreTimers;
  readonly #keeper: GateKeeper;
  readonly #producer: Producer;
  readonly #letters: DeadLetters;
  readonly #sessions: SessionKeeper;
  readonly #consumer: Consumer<T, I>;
  readonly #closing = new AbortController();
  readonly #runs = new Set<Promise<void>>();
  #disposing: Promise<void> | undefined;

  /**
   * @throws {@link InvalidArgumentError} if there is no name or no release, neither here nor in a decorator, or if an
   * option is outside its limits
   */
  constructor(store: Store, options?: BarrierQueueOptions<T, I>) {
    super(store.logger);
    const merged = mergedSettings(new.target, 'barrierQueue', options);
    this.name = requiredName(new.target, 'barrierQueue', merged);
    const release = (this.#release = requiredRelease(new.target, merged.release));
    const attemptsMax = atLeastOne(merged.attempts ?? ATTEMPTS, 'attempts');
    const prng = merged.prng ?? store.prng;
    this.#store = store;
    this.#schema = merged.item;
    const layout = (this.#layout = new Layout(merged.namespace, this.name));
    const timers = (this.#timers = new StoreTimers(store));
    const keeper = (this.#keeper = new GateKeeper(store, layout, release));
    this.#producer = new Producer({ store, layout, keeper, timers, lingerMs: lingerMsOf(release) });
    this.#letters = new DeadLetters(store, layout, this.#producer);
    this.#sessions = new SessionKeeper(store, this.#what, { ttl: TTL, ...merged });
    this.#consumer = new Consumer<T, I>({
      store,
      queue: this.name,
      release,
      keeper,
      prng,
      claimer: new Claimer({ store, layout, prng, attemptsMax, metadata: merged.metadata }),
      sessions: this.#sessions,
      isSessionGiven: merged.session !== undefined,
      delivery: { store, layout, timers, queue: this.name, attemptsMax },
      schema: merged.item,
      openView: () => new QueueView(store, layout, release, this.#viewEvents, prng),
      onDead: (id, reason) => this.announce('dead', id, reason),
    });
  }

  /**
   * Puts an item into the round that gathers, and opens the gate if that makes the round complete. Items put while the gate
   * is open go into the next round.
   *
   * @throws {@link ItemNotJsonError}, {@link ItemInvalidError} if the item is not one; nothing was put
   * @throws {@link OutcomeUnknownError}, {@link TimeoutError} or the signal's reason if the answer was lost or not waited
   * for: the item may be there, or have been dealt with already. Put it again with the same `id` to make certain, and with
   * `dedupeFor` if it must not come twice
   */
  async put(item: I, options: PutItemOptions = {}): Promise<PutAnswer> {
    const id = options.id === undefined ? newAcquisitionId(this.#store.prng) : checkName(options.id, 'id');
    const dedupeMs = options.dedupeFor === undefined ? undefined : toMilliseconds(options.dedupeFor, 'dedupeFor');
    await checkItem(this.name, item, this.#schema);
    const answer = await this.#bounded('putting an item', options, (signal) =>
      this.#producer.put({ id, item, dedupeMs }, signal),
    );
    return answer as PutAnswer;
  }

  /**
   * Says by hand that the round may be released. Where the release has a `manual()`, that is the word it waits for;
   * otherwise the gate opens with what is there. An empty round opens with its first item. While a gate is open there is
   * nothing to say.
   *
   * @returns the round, and whether this call opened it
   */
  async open(options: WaitOptions = {}): Promise<{ readonly round: number; readonly opened: boolean }> {
    return this.#bounded('opening the gate', options, async (signal) => {
      for (;;) {
        const said = await this.#keeper.consent(await this.#keeper.gate(signal), signal);
        if (said) return said;
      }
    });
  }

  /** Where the queue stands, at one revision. */
  async status(options: WaitOptions = {}): Promise<QueueStatus> {
    return this.#bounded('reading the status', options, (signal) =>
      readStatus({ store: this.#store, layout: this.#layout, keeper: this.#keeper, release: this.#release }, signal),
    );
  }

  /**
   * Takes one item after the other, each when the loop asks for it, and waits while there is none. A delivery is the
   * caller's, whatever becomes of the loop: acknowledge it, or dispose it to give it back.
   *
   * The loop ends when this object is disposed.
   *
   * @param options - `timeout` is for each item: if none comes for so long, the loop throws {@link TimeoutError}
   * @throws the signal's reason; {@link SessionLostError} if a session was given and is lost. Nothing is left behind
   *
   * @example
   * ```ts
   * for await (const delivery of shards.consume({ signal })) {
   *   await using shard = delivery;
   *   await shard.ack(store.txn().do(put(`built/${shard.id}`, await build(shard.item))));
   * }
   * ```
   */
  async *consume(options: WaitOptions = {}): AsyncGenerator<Delivery<T>, void, undefined> {
    this.#closing.signal.throwIfAborted();
    const seat = this.#consumer.enter();
    try {
      for (;;) yield await this.#bounded('the next item', options, (signal) => this.#consumer.take(seat.view, signal));
    } catch (error) {
      if (error !== this.#closing.signal.reason) throw error;
    } finally {
      await seat.leave();
    }
  }

  /**
   * Handles items until it is stopped. An item is acknowledged when the handler returns, and given back when it throws. No
   * more items are taken than are being handled. In the handler, {@link currentHeld} answers the delivery.
   *
   * @returns when `signal` has aborted, or this object was disposed, and the handlers are done or the drain's time is over
   * @throws {@link InvalidArgumentError}; what no repeating will cure, such as a store that was closed
   */
  async run(handler: Handler<T>, options: RunOptions = {}): Promise<void> {
    this.#closing.signal.throwIfAborted();
    const seat = this.#consumer.enter();
    try {
      const runner = new Runner<T>(
        {
          store: this.#store,
          queue: this.name,
          closing: this.#closing.signal,
          take: (signal) => this.#consumer.take(seat.view, signal),
          onFailed: (delivery, error) => this.announce('failed', delivery, error),
        },
        handler,
        options,
      );
      const running = runner.run(options.signal);
      this.#runs.add(running);
      await running.finally(() => this.#runs.delete(running));
    } finally {
      await seat.leave();
    }
  }

  /**
   * The items that failed too often, oldest first.
   *
   * @param options - `limit`: at most so many. Default: 100
   */
  async deadLetters(options: WaitOptions & { readonly limit?: number } = {}): Promise<readonly DeadLetter[]> {
    const limit = atLeastOne(options.limit ?? LETTERS, 'limit');
    return this.#bounded('reading dead letters', options, (signal) => this.#letters.list(limit, signal));
  }

  /**
   * Puts a dead letter's item into the round that gathers, as if it were new.
   *
   * @returns undefined if the letter is no longer there; `added: false` if an item of its id is in the queue, and then
   * the letter is left where it is
   */
  async redrive(letter: DeadLetter, options: WaitOptions = {}): Promise<PutAnswer | undefined> {
    return this.#bounded('redriving a dead letter', options, (signal) => this.#letters.redrive(letter, signal));
  }

  /** Deletes a dead letter for good; answers whether it was there. */
  async discard(letter: DeadLetter, options: WaitOptions = {}): Promise<boolean> {
    return this.#bounded('discarding a dead letter', options, (signal) => this.#letters.discard(letter, signal));
  }

  /**
   * Takes nothing more, lets handlers finish (see `drain` of {@link run}), gives back what is still held, ends every loop,
   * and closes the session, unless that was given. Idempotent; never rejects.
   */
  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    this.#closing.abort(new ClosedError(this.#what));
    await Promise.allSettled(this.#runs);
    await this.#consumer.close();
    this.#timers.close();
    await this.#sessions.close();
  }

  get #what(): string {
    return `barrier queue ${this.name}`;
  }

  get #viewEvents() {
    return {
      opened: (round: number) => this.announce('opened', round),
      drained: (round: number) => this.announce('drained', round),
    };
  }

  /** Does work within the caller's bounds and the life of this object. */
  async #bounded<R>(what: string, options: WaitOptions, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const link = linkSignals(options.signal, this.#closing.signal);
    try {
      return await bounded(this.#store.clock, `${what} of ${this.#what}`, { ...options, signal: link.signal }, work);
    } finally {
      link.unlink();
    }
  }
}

function requiredRelease(recipeClass: RecipeClass, release: Release | undefined): Release {
  if (release) return release;
  const examples = "items(16), any(items(16), linger('30s')) or manual()";
  throw new InvalidArgumentError(`${recipeClass.name}.release`, undefined, `given, such as ${examples}`);
}

function atLeastOne(count: number, field: string): number {
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError(field, count, 'a whole number from 1');
  return count;
}

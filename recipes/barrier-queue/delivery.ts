import { hasCode, OutcomeUnknownError } from '../../core/base/errors.js';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import type { LeaseId } from '../../core/base/key-value.js';
import type { Operation, RangeResult } from '../../core/base/operation.js';
import type { Store } from '../../core/store.js';
import { createRevision, get, leaseOf, put, remove, type Txn, type TxnAnswer } from '../../core/txn.js';
import { HoldLostError, NotHeldError } from '../errors.js';
import type { Held } from '../held.js';
import { by } from '../metadata.js';
import { persist } from '../retry.js';
import type { Session } from '../session/session.js';
import { onAbort } from '../wait.js';
import { AckRefusedError } from './errors.js';
import type { Layout, Slot } from './layout.js';
import { writeAttempts, writeDead, writeTimer } from './records.js';
import type { StoreTimer, StoreTimers } from './store-timer.js';

export interface NackOptions {
  /** The item rests for so long before it is handed out again. Default: not at all. */
  readonly delay?: Duration;
  /** Why, for people: dead letters show the last one. */
  readonly reason?: string;
}

/**
 * An item, handed to one consumer until it is acknowledged or given back. If the consumer's lease ends first, the item is
 * handed to somebody else, and everything that this delivery still tries is rejected by the store.
 *
 * Disposing it without having acknowledged it gives it back.
 */
export interface Delivery<T> extends Held {
  readonly item: T;
  readonly id: string;
  readonly round: number;
  /** How often it has been handed out, this time included: from 1. */
  readonly attempt: number;
  /**
   * The item has been dealt with: takes it out of the queue. Idempotent.
   *
   * @param txn - operations to carry out in the same transaction, so that both happen or neither
   * @throws {@link AckRefusedError} if the conditions of `txn` do not hold; the delivery still stands
   * @throws {@link HoldLostError} if somebody else may have the item by now; nothing was done
   * @throws {@link NotHeldError} if it was given back
   * @throws {@link OutcomeUnknownError} if the lease ended, or, with a `txn`, if the answer was lost, while it was not
   * clear whether the store had carried it out; in the second case call it again to find out
   */
  ack(txn?: Txn): Promise<void>;
  /**
   * The item has not been dealt with: gives it back, or, after as many attempts as the queue allows, puts it with the dead
   * letters. Idempotent.
   *
   * @throws as {@link ack}, without a transaction
   */
  nack(options?: NackOptions): Promise<void>;
}

/** What was claimed: the item's keys, and what the claim's transaction found. */
export interface Claim extends Slot {
  readonly itemValue: Uint8Array;
  readonly attempt: number;
  /** The create revision of the claim's key. */
  readonly fencingToken: number;
  readonly lease: LeaseId;
}

/** What a delivery needs of its queue. */
export interface DeliverySource {
  readonly store: Store;
  readonly layout: Layout;
  readonly timers: StoreTimers;
  readonly queue: string;
  readonly attemptsMax: number;
  /** Called when the delivery has ended, by whatever cause. `drained`: it took the last item of its round. */
  readonly onEnd: (end: { readonly drained: boolean; readonly dead?: string }) => Promise<void>;
}

type State = 'held' | 'acked' | 'returned' | 'lost';

export class ClaimedDelivery<T> implements Delivery<T> {
  readonly item: T;
  readonly id: string;
  readonly round: number;
  readonly attempt: number;
  readonly fencingToken: number;
  readonly #source: DeliverySource;
  readonly #claim: Claim;
  readonly #session: Session;
  readonly #claimKey: string;
  readonly #ended = new AbortController();
  readonly #offSession: () => void;
  #state: State = 'held';
  #why: HoldLostError | NotHeldError | undefined;
  /** An answer that would have ended the delivery was lost, so a claim that is gone may have gone by our own hand. */
  #inDoubt = false;
  /** Acknowledging and giving back, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(source: DeliverySource, session: Session, claim: Claim, item: T) {
    this.#source = source;
    this.#session = session;
    this.#claim = claim;
    this.item = item;
    this.id = claim.id;
    this.round = claim.round;
    this.attempt = claim.attempt;
    this.fencingToken = claim.fencingToken;
    this.#claimKey = source.layout.of('claim', claim);
    this.#offSession = onAbort(session.signal, (reason) => this.#lose(reason));
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Whether it was acknowledged, given back or lost. */
  get hasEnded(): boolean {
    return this.#state !== 'held';
  }

  assertHeld(): void {
    // A session past its deadline ends here, if its timer has not come round to it, and takes us with it.
    if (this.#state === 'held') void this.#session.state;
    if (this.#why) throw this.#why;
  }

  guard(txn: Txn): Txn {
    return this.#guarded(txn, new HoldLostError(this.#what, this.fencingToken));
  }

  ack(txn?: Txn): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === 'acked') return;
      this.assertHeld();
      const count = get(this.#source.layout.round('item', this.round), { countOnly: true });
      const ending = [...this.#removals(), count];
      const answer = await (txn ? this.#endOnce(txn.do(...ending)) : this.#endSurely(ending));
      if (answer?.succeeded === false) throw new AckRefusedError(this.#what, answer);
      const left = answer?.responses.at(-1) as RangeResult | undefined;
      await this.#end('acked', { drained: left === undefined || left.count === 0 });
    });
  }

  nack(options: NackOptions = {}): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === 'returned') return;
      this.assertHeld();
      if (this.attempt >= this.#source.attemptsMax) return this.#bury(options.reason ?? 'it was given back');
      await this.#return(options);
    });
  }

  /** Puts the item with the dead letters, whatever the number of attempts: nobody will ever be able to handle it. */
  bury(reason: string): Promise<void> {
    return this.#inTurn(() => this.#bury(reason));
  }

  /** Gives the item back as if it had not been handed out. */
  withdraw(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.hasEnded) return;
      await this.#endSurely([remove(this.#claimKey), this.#putAttempts({ attempt: this.attempt - 1 })]);
      await this.#end('returned', { drained: false });
    });
  }

  async release(): Promise<'released' | 'lost'> {
    try {
      await this.#inTurn(async () => {
        if (this.hasEnded) return;
        this.assertHeld();
        await this.#endSurely([remove(this.#claimKey)]);
        await this.#end('returned', { drained: false });
      });
    } catch (error) {
      // It stays claimed until the lease ends.
      this.#source.store.logger.debug({ delivery: this.#what, err: error }, 'a delivery could not be given back');
      this.#lose(error);
    }
    return this.#state === 'lost' ? 'lost' : 'released';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Aborts the signal, so that the work stops, without giving anything back: that is for after the work has stopped. */
  interrupt(reason: unknown): void {
    this.#ended.abort(reason);
  }

  // --- Giving back ---------------------------------------------------------------------------------------------------

  async #return({ delay, reason }: NackOptions): Promise<void> {
    const delayMs = delay === undefined ? 0 : toMilliseconds(delay, 'delay');
    const timer = delayMs > 0 ? await this.#grantRest(delayMs) : undefined;
    const ending = [remove(this.#claimKey), this.#putAttempts({ attempt: this.attempt, reason })];
    if (timer === undefined) await this.#endSurely(ending);
    else if (await this.#endResting(ending, timer, delayMs)) this.#source.timers.arm(timer, () => {});
    await this.#end('returned', { drained: false });
  }

  /** @returns whether the item rests; not if giving it back took so long that it has rested meanwhile */
  async #endResting(ending: readonly Operation[], timer: StoreTimer, delayMs: number): Promise<boolean> {
    const { layout, store, timers } = this.#source;
    const wait = put(layout.of('wait', this.#claim), writeTimer(delayMs, by(store)), { lease: timer.lease });
    try {
      await this.#endSurely([...ending, wait]);
      return true;
    } catch (error) {
      if (hasCode(error, 'LEASE_NOT_FOUND')) {
        await this.#endSurely(ending);
        return false;
      }
      // If it may have been carried out after all, the item shall rest; the lease then ends by itself.
      if (!this.#inDoubt) await timers.drop(timer);
      throw error;
    }
  }

  #grantRest(delayMs: number): Promise<StoreTimer> {
    const { store, timers } = this.#source;
    return persist(store.clock, this.#session.signal, () => timers.grant(delayMs, this.#session.signal));
  }

  async #bury(reason: string): Promise<void> {
    const { layout } = this.#source;
    const letter = writeDead(this.#claim.itemValue, this.attempt, reason, by(this.#source.store));
    const count = get(layout.round('item', this.round), { countOnly: true });
    const answer = await this.#endSurely([...this.#removals(), put(layout.deadLetter(this.#claim), letter), count]);
    const left = answer?.responses.at(-1) as RangeResult | undefined;
    await this.#end('returned', { drained: left === undefined || left.count === 0, dead: reason });
  }

  #removals(): readonly Operation[] {
    const { layout } = this.#source;
    return [remove(layout.of('item', this.#claim)), remove(this.#claimKey), remove(layout.of('try', this.#claim))];
  }

  #putAttempts(attempts: { attempt: number; reason?: string | undefined }): Operation {
    return put(this.#source.layout.of('try', this.#claim), writeAttempts(attempts));
  }

  // --- Transactions that end the delivery ------------------------------------------------------------------------------

  /**
   * Repeats until the store has answered or the session has ended: guarded by the claim that they remove, the operations
   * are carried out once at most.
   *
   * @returns undefined if they were carried out, but the answer was lost
   */
  #endSurely(operations: readonly Operation[]): Promise<TxnAnswer | undefined> {
    const { store } = this.#source;
    return persist(store.clock, this.#session.signal, () => this.#commit(store.txn().do(...operations)));
  }

  /** Tries once: what the user's transaction does when its conditions do not hold may not be repeated. */
  async #endOnce(txn: Txn): Promise<TxnAnswer | undefined> {
    try {
      return await this.#commit(txn);
    } catch (error) {
      if (hasCode(error, 'OUTCOME_UNKNOWN') && (await this.#hasEndedByUs())) return undefined;
      throw error;
    }
  }

  async #commit(txn: Txn): Promise<TxnAnswer | undefined> {
    const rejection = new HoldLostError(this.#what, this.fencingToken);
    try {
      return await this.#guarded(txn, rejection, () => {}).commit({ signal: this.#session.signal });
    } catch (error) {
      this.#inDoubt ||= hasCode(error, 'OUTCOME_UNKNOWN');
      if (error !== rejection) throw error;
      if (this.#inDoubt && (await this.#hasEndedByUs())) return undefined;
      this.#lose(rejection);
      throw this.#why ?? rejection;
    }
  }

  /** While the session lives, nothing but our own transaction removes the claim. */
  async #hasEndedByUs(): Promise<boolean> {
    const { store } = this.#source;
    const { signal } = this.#session;
    const claim = await persist(store.clock, signal, () => store.get(this.#claimKey, { signal }));
    this.#session.assertAlive();
    return claim?.createRevision !== this.fencingToken;
  }

  #guarded(txn: Txn, rejection: HoldLostError, onRejected = () => this.#lose(rejection)): Txn {
    const isOurs = createRevision(this.#claimKey).equals(this.fencingToken);
    return txn.guard([isOurs, leaseOf(this.#claimKey).equals(this.#claim.lease)], () => {
      onRejected();
      return rejection;
    });
  }

  // --- The end ----------------------------------------------------------------------------------------------------------

  get #what(): string {
    return `item ${this.id} of queue ${this.#source.queue}`;
  }

  async #end(state: 'acked' | 'returned', end: { readonly drained: boolean; readonly dead?: string }): Promise<void> {
    this.#settle(state, new NotHeldError(this.#what));
    await this.#source.onEnd(end);
  }

  #lose(cause: unknown): void {
    if (this.#state !== 'held') return;
    const error = cause instanceof HoldLostError ? cause : new HoldLostError(this.#what, this.fencingToken, { cause });
    this.#settle('lost', error);
    void this.#source.onEnd({ drained: false });
  }

  #settle(state: Exclude<State, 'held'>, why: HoldLostError | NotHeldError): void {
    this.#state = state;
    this.#why = why;
    this.#ended.abort(why);
    this.#offSession?.();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(work).catch((error: unknown) => {
      throw error === this.#session.signal.reason ? this.#lostInBetween() : error;
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** The session ended while we waited for the store. */
  #lostInBetween(): unknown {
    return this.#inDoubt ? new OutcomeUnknownError(`ending ${this.#what}`, { cause: this.#why }) : this.#why;
  }
}

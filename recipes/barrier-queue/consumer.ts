import { sleep } from '../../core/base/clock.js';
import { hasCode } from '../../core/base/errors.js';
import type { Prng } from '../../core/base/prng.js';
import type { Store } from '../../core/store.js';
import { Backoff } from '../mirror/backoff.js';
import { isTransient } from '../retry.js';
import type { SessionKeeper } from '../session/session-keeper.js';
import type { Session } from '../session/session.js';
import { abortable, linkSignals } from '../wait.js';
import type { Claimer } from './claimer.js';
import { type Claim, ClaimedDelivery, type DeliverySource } from './delivery.js';
import { ItemInvalidError } from './errors.js';
import type { GateKeeper } from './gate-keeper.js';
import { type ItemSchema, readItem } from './item-codec.js';
import type { Candidate, QueueView } from './queue-view.js';
import { parseItem } from './records.js';
import { proofOf, type Release } from './release.js';

const RETRY_LEAST_MS = 50;
const RETRY_MOST_MS = 2_000;
/** While the view is known to be behind, we look again after so long even if nothing is heard. */
const LOOK_AGAIN_MS = 1_000;

export interface ConsumerParts<T, I> {
  readonly store: Store;
  readonly queue: string;
  readonly release: Release;
  readonly keeper: GateKeeper;
  readonly claimer: Claimer;
  readonly sessions: SessionKeeper;
  /** Whether the session was given: once it is lost, it stays lost. */
  readonly isSessionGiven: boolean;
  readonly delivery: Omit<DeliverySource, 'onEnd'>;
  readonly schema: ItemSchema<T, I> | undefined;
  readonly prng: Prng;
  readonly openView: () => QueueView;
  readonly onDead: (id: string, reason: string) => void;
}

/** The view, for as long as somebody needs it. */
export interface Seat {
  readonly view: QueueView;
  leave(): Promise<void>;
}

/** Takes deliveries for one queue object, and has the gate opened and closed while it waits for them. */
export class Consumer<T, I> {
  readonly #parts: ConsumerParts<T, I>;
  readonly #deliveries = new Set<ClaimedDelivery<T>>();
  readonly #background = new Set<Promise<unknown>>();
  #view: { readonly view: QueueView; users: number } | undefined;
  #tended: { readonly view: QueueView; readonly version: number } | undefined;

  constructor(parts: ConsumerParts<T, I>) {
    this.#parts = parts;
  }

  /** Opens the view, or shares the one that is open. */
  enter(): Seat {
    const shared = (this.#view ??= { view: this.#parts.openView(), users: 0 });
    shared.users += 1;
    let isSeated = true;
    const leave = async () => {
      if (!isSeated) return;
      isSeated = false;
      shared.users -= 1;
      if (shared.users > 0) return;
      if (this.#view === shared) this.#view = undefined;
      await shared.view.close();
    };
    return { view: shared.view, leave };
  }

  /**
   * Waits for an item and takes it. When called off it leaves nothing: an item taken at that very moment is given back as
   * if it had not been handed out.
   *
   * @throws the signal's reason; {@link SessionLostError} if a session was given and is lost; what the store throws for good
   */
  async take(view: QueueView, signal: AbortSignal): Promise<ClaimedDelivery<T>> {
    const { store, prng, isSessionGiven } = this.#parts;
    const backoff = new Backoff({ leastMs: RETRY_LEAST_MS, mostMs: RETRY_MOST_MS, prng });
    for (;;) {
      try {
        await view.ready(signal);
        const delivery = await this.#takeNext(view, signal);
        if (delivery) return delivery;
        backoff.reset();
      } catch (error) {
        signal.throwIfAborted();
        if (!isTransient(error) || (isSessionGiven && hasCode(error, 'SESSION_LOST'))) throw error;
        store.logger.debug({ queue: this.#parts.queue, err: error }, 'taking an item failed; trying again');
        await sleep(store.clock, backoff.nextMs(), signal);
      }
    }
  }

  /** Gives back whatever is still held, and waits for what goes on in the background. */
  async close(): Promise<void> {
    await Promise.all([...this.#deliveries].map((delivery) => delivery.release()));
    await Promise.all(this.#background);
    // A loop that its user left standing has not given its seat back.
    await this.#view?.view.close();
  }

  /** One look at the queue, and what follows from it. Answers nothing if it is time to look again. */
  async #takeNext(view: QueueView, signal: AbortSignal): Promise<ClaimedDelivery<T> | undefined> {
    const session = view.gate.state === 'open' ? await this.#parts.sessions.current(signal) : undefined;
    const { version } = view;
    const candidate = session && this.#parts.claimer.pick(view);
    if (candidate) return this.#obtain(candidate, session, signal);
    await this.#tend(view, signal);
    await this.#waitForChange(view, version, signal);
    return undefined;
  }

  async #obtain(candidate: Candidate, session: Session, signal: AbortSignal): Promise<ClaimedDelivery<T> | undefined> {
    const obtaining = this.#claim(candidate, session);
    try {
      return await abortable(obtaining, signal);
    } catch (error) {
      if (signal.aborted) this.#inBackground(obtaining.then((delivery) => delivery?.withdraw()));
      throw error;
    }
  }

  async #claim(candidate: Candidate, session: Session): Promise<ClaimedDelivery<T> | undefined> {
    const { claim, buried } = await this.#parts.claimer.claim(candidate, session);
    if (buried !== undefined) this.#parts.onDead(candidate.id, buried);
    if (!claim) return undefined;
    // Taken at the last moment, it may be too late: a delivery begins alive.
    session.assertAlive();
    return this.#deliver(claim, session);
  }

  /** An item that cannot be read is one for people: nobody else will be able to read it either. */
  async #deliver(claim: Claim, session: Session): Promise<ClaimedDelivery<T> | undefined> {
    const { queue, schema } = this.#parts;
    const stored = parseItem(claim.itemValue);
    try {
      if (stored === undefined) throw new ItemInvalidError(queue, [{ message: 'no queue wrote it' }]);
      return this.#hold(claim, session, await readItem(queue, stored, schema));
    } catch (error) {
      const unread = this.#hold(claim, session, undefined as T);
      if (error instanceof ItemInvalidError) await unread.bury(error.message);
      else await unread.nack({ reason: String(error) });
      return undefined;
    }
  }

  #hold(claim: Claim, session: Session, item: T): ClaimedDelivery<T> {
    const { store, keeper, delivery: source, onDead } = this.#parts;
    const onEnd: DeliverySource['onEnd'] = async ({ drained, dead }) => {
      this.#deliveries.delete(delivery);
      if (dead !== undefined) onDead(claim.id, dead);
      if (drained) await keeper.tendQuietly(store.logger, () => keeper.tend(session.signal));
    };
    const delivery = new ClaimedDelivery<T>({ ...source, onEnd }, session, claim, item);
    if (!delivery.hasEnded) this.#deliveries.add(delivery);
    return delivery;
  }

  /** Opens or closes the gate if the view says that it is time, once for each state of the view. */
  async #tend(view: QueueView, signal: AbortSignal): Promise<void> {
    const { version, gate } = view;
    if (this.#tended?.view === view && this.#tended.version === version) return;
    this.#tended = { view, version };
    try {
      if (view.isGateForeign) await this.#parts.keeper.gate(signal);
      else if (view.isDrained) await this.#parts.keeper.closeOverForeign(gate, signal);
      else if (proofOf(this.#parts.release, view.facts)) {
        await this.#parts.keeper.openIfDue(gate, view.facts, signal);
      }
    } catch (error) {
      this.#tended = undefined;
      throw error;
    }
  }

  async #waitForChange(view: QueueView, version: number, signal: AbortSignal): Promise<void> {
    const link = linkSignals(signal);
    const timer = this.#parts.claimer.isAhead
      ? this.#parts.store.clock.after(LOOK_AGAIN_MS, () => link.abort(undefined))
      : undefined;
    try {
      await view.changedSince(version, link.signal);
    } catch (error) {
      if (signal.aborted || !link.signal.aborted) throw error;
    } finally {
      timer?.cancel();
      link.unlink();
    }
  }

  #inBackground(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }
}

import { hasCode } from '../../../base/errors.js';
import type { Event } from '../../../base/key-value.js';
import { everything } from '../../../base/key-range.js';
import { between, type Prng } from '../../../base/prng.js';
import type { Store } from '../../../store.js';
import type { Verdict } from './verdict.js';
import { isPassing, rest } from './surroundings.js';
import { HistoryBoard, WatchOrder } from './watch-order.js';

const OFFSET_MOST = 100;
const PASSING_MS_LEAST = 500;
const PASSING_MS_MOST = 4_000;

/**
 * Watches of everything: some from the first revision to the end, of whom the first is the witness from whom all else is heard;
 * and some that pass by, each beginning a little before or after the latest revision.
 */
export class Watchers {
  readonly #verdict: Verdict;
  readonly #fromRevision: number;
  readonly #stop = new AbortController();
  readonly #board: HistoryBoard;
  readonly #orders: WatchOrder[] = [];
  readonly #watching: Promise<void>[] = [];
  eventCount = 0;
  passedCount = 0;

  constructor(verdict: Verdict, fromRevision: number) {
    this.#verdict = verdict;
    this.#fromRevision = fromRevision;
    this.#board = new HistoryBoard(verdict);
  }

  /** Stretches of history that two have seen, and which were the same to both. */
  get comparisonCount(): number {
    return this.#board.comparisonCount;
  }

  /** What the witness has seen whole. */
  get revision(): number {
    return this.#orders[0]?.revision ?? this.#fromRevision - 1;
  }

  /** What everybody who stays has seen whole. */
  get leastRevision(): number {
    return Math.min(...this.#orders.map(({ revision }) => revision));
  }

  /** One who stays. */
  stay(store: Store, hear?: (event: Event) => void): void {
    const order = this.#order(`watcher-${this.#orders.length}`, this.#fromRevision);
    this.#orders.push(order);
    const watching = this.#follow(store, order, { hear, signal: this.#stop.signal }).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#verdict.violation(`a watch ended: ${String(error)}`);
    });
    this.#watching.push(watching);
  }

  /** One after another who look for a while. */
  passBy(store: Store, prng: Prng): void {
    this.#watching.push(this.#passBy(store, prng));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#watching);
  }

  async #passBy(store: Store, prng: Prng): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const from = Math.max(this.#fromRevision, this.revision + between(prng, -OFFSET_MOST, OFFSET_MOST));
      const over = AbortSignal.timeout(between(prng, PASSING_MS_LEAST, PASSING_MS_MOST));
      try {
        await this.#follow(store, this.#order(`passer-${this.passedCount}`, from), {
          signal: AbortSignal.any([signal, over]),
        });
      } catch (error) {
        // While nobody can be reached, a watch cannot begin.
        const isPast = hasCode(error, 'COMPACTED') || isPassing(error);
        if (!signal.aborted && !over.aborted && !isPast) {
          return this.#verdict.violation(`a watch from ${from} ended: ${String(error)}`);
        }
      }
      this.passedCount += 1;
      await rest(between(prng, 0, PASSING_MS_LEAST), signal);
    }
  }

  async #follow(
    store: Store,
    order: WatchOrder,
    { hear, signal }: { readonly hear?: ((event: Event) => void) | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    for await (const batch of store.watch(everything(), { from: order.revision + 1, progress: true, signal })) {
      order.take(batch);
      this.eventCount += batch.events.length;
      if (hear) for (const event of batch.events) hear(event);
    }
  }

  #order(name: string, fromRevision: number): WatchOrder {
    return new WatchOrder(name, { fromRevision, verdict: this.#verdict, board: this.#board });
  }
}

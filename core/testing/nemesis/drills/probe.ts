import { connect } from '../../../connect.js';
import type { Store } from '../../../store.js';
import { rest } from '../../cluster/workload/surroundings.js';

const CALLERS = 4;
/** How long a caller waits for one answer: else an answer that never comes would be what is measured. */
const IMPATIENCE_MS = 250;
const AFTER_FAILURE_MS = 5;
const GIVEN_UP_MS = 30_000;

interface Write {
  readonly begunMs: number;
  readonly isAcknowledged: boolean;
}

/** A few who write one after the other and know all members, so that it shows when writes are possible and when not. */
export class Probe {
  readonly #stop = new AbortController();
  readonly #writes: Write[] = [];
  #stores: Store[] = [];
  #calling: Promise<void>[] = [];

  static async start(url: string, requestTimeoutMs = IMPATIENCE_MS): Promise<Probe> {
    const probe = new Probe();
    for (let caller = 0; caller < CALLERS; caller += 1) {
      const client = { requestTimeoutMs, backoffMaxMs: 50, dialTimeoutMs: IMPATIENCE_MS };
      const store = await connect(url, { client });
      probe.#stores.push(store);
      probe.#calling.push(probe.#call(store, `probe/${caller}`));
    }
    return probe;
  }

  /** How many of the writes begun in some time were acknowledged, and how many were not. */
  between(fromMs: number, toMs: number): { readonly acknowledged: number; readonly failed: number } {
    const begun = this.#writes.filter(({ begunMs }) => begunMs >= fromMs && begunMs < toMs);
    const acknowledged = begun.filter(({ isAcknowledged }) => isAcknowledged).length;
    return { acknowledged, failed: begun.length - acknowledged };
  }

  /**
   * Waits until a write is acknowledged that was begun after this moment.
   *
   * @returns how long after it that was
   * @throws if it does not come about within half a minute
   */
  async resumed(sinceMs: number): Promise<number> {
    for (let from = 0; ;) {
      for (; from < this.#writes.length; from += 1) {
        const { begunMs, isAcknowledged } = this.#writes[from] as Write;
        if (begunMs > sinceMs && isAcknowledged) return performance.now() - sinceMs;
      }
      if (performance.now() - sinceMs > GIVEN_UP_MS) throw new Error(`nothing is written for ${GIVEN_UP_MS} ms`);
      await rest(1, this.#stop.signal);
    }
  }

  /** What was seen so far is of no more interest. */
  forget(): void {
    this.#writes.length = 0;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#calling);
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  async #call(store: Store, key: string): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const begunMs = performance.now();
      const isAcknowledged = await store.put(key, '').then(
        () => true,
        () => false,
      );
      this.#writes.push({ begunMs, isAcknowledged });
      await rest(isAcknowledged ? 1 : AFTER_FAILURE_MS, signal);
    }
  }
}

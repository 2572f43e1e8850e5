import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from 'conclave';

const KEY = 'cluster/written';
const PAUSE_MS = 5;

/** Writes one key again and again, through whichever member answers, and keeps count of what was acknowledged. */
export class Writer {
  readonly #store: Store;
  readonly #stop = new AbortController();
  readonly #writing: Promise<void>;
  #lastMs = performance.now();
  #longestGapMs = 0;
  acknowledgedCount = 0;
  /** Writes of which nobody can say whether they were carried out. */
  unknownCount = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#writing = this.#write();
  }

  /** The longest time without an acknowledged write, in milliseconds. */
  get longestGapMs(): number {
    return Math.max(this.#longestGapMs, performance.now() - this.#lastMs);
  }

  /** Ends it, and looks whether everything that was acknowledged is there. */
  async end(): Promise<{ readonly lostCount: number }> {
    this.#stop.abort();
    await this.#writing;
    // Every write made the key's next version, those included of which nobody knows.
    const version = (await this.#store.get(KEY))?.version ?? 0;
    return { lostCount: Math.max(0, this.acknowledgedCount - version) };
  }

  async #write(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#store.put(KEY, new Date().toISOString());
        this.#acknowledged();
      } catch (error) {
        if ((error as { code?: string }).code === 'OUTCOME_UNKNOWN') this.unknownCount += 1;
      }
      await delay(PAUSE_MS);
    }
  }

  #acknowledged(): void {
    this.#longestGapMs = this.longestGapMs;
    this.#lastMs = performance.now();
    this.acknowledgedCount += 1;
  }
}

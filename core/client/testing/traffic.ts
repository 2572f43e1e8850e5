import { expect } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import { prefix } from '../../base/key-range.js';
import { seededPrng } from '../../base/prng.js';
import { Mutex } from '../../../recipes/mutex/mutex.js';
import type { Store, WatchStream } from '../../store.js';
import { connectGrpc } from '../grpc-store.js';
import type { EndpointAddress } from '../settings.js';

/** Of the lease that is renewed three times in it. */
export const TTL_MS = 4_000;

/** How often it is looked whether this process runs, and how much later than that is no mere jitter. */
const LOOK_MS = 10;
const JITTER_MS = 20;

/** What is done all the time; each must go on. */
export type Activity = 'puts' | 'reads' | 'renewals' | 'locks';

/** Several things that a client does all the time, and what became of them. */
export class Traffic {
  readonly #stop = new AbortController();
  readonly #runs: Promise<void>[] = [];
  readonly #done: string[] = [];
  readonly #unknown: string[] = [];
  readonly #watched: string[] = [];
  readonly #problems: unknown[] = [];
  readonly #stores: Store[] = [];
  #mutex: Mutex | undefined;
  #heldUpMs = 0;
  #successes: Record<Activity, number[]> = { puts: [], reads: [], renewals: [], locks: [] };

  static async start(endpoints: readonly EndpointAddress[]): Promise<Traffic> {
    const traffic = new Traffic();
    const connect = async (_: unknown, seed: number) => {
      const chance = seededPrng(seed);
      let isFirst = true;
      const prng = { next: () => (isFirst ? ((isFirst = false), 0) : chance.next()) };
      const store = await connectGrpc(endpoints, { prng });
      traffic.#stores.push(store);
      return store;
    };
    const stores = await Promise.all(Array.from({ length: 5 }, connect));
    await traffic.#begin(stores as [Store, Store, Store, Store, Store]);
    return traffic;
  }

  async forMs(ms: number): Promise<void> {
    for (const times of Object.values(this.#successes)) times.splice(0, times.length - 1);
    this.#heldUpMs = 0;
    let lookedMs = performance.now();
    const looking = setInterval(() => {
      const lateMs = performance.now() - lookedMs - LOOK_MS;
      if (lateMs > JITTER_MS) this.#heldUpMs += lateMs;
      lookedMs = performance.now();
    }, LOOK_MS);
    await new Promise((resolve) => setTimeout(resolve, ms));
    clearInterval(looking);
  }

  /**
   * How long this process was kept from running during the last call of {@link forMs}, in all. A gap may be so much longer
   * for the machine's sake, and no more for the client's.
   */
  get heldUpMs(): number {
    return Math.round(this.#heldUpMs);
  }

  /** Since the last call of {@link forMs}. */
  longestGapsMs(): Record<Activity, number> {
    const nowMs = performance.now();
    const longest = (times: readonly number[]) =>
      Math.round(Math.max(...[...times, nowMs].map((time, i) => time - (times[i - 1] ?? time))));
    const { puts, reads, renewals, locks } = this.#successes;
    return { puts: longest(puts), reads: longest(reads), renewals: longest(renewals), locks: longest(locks) };
  }

  counts(): object {
    return { done: this.#done.length, unknown: this.#unknown.length };
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('enough'));
    await Promise.all(this.#runs);
    const [store] = this.#stores as [Store];
    await store.put('traffic/end', 'end');
    const deadlineMs = performance.now() + 5_000;
    while (this.#watched.at(-1) !== 'end' && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await this.#mutex?.[Symbol.asyncDispose]();
    await Promise.all(this.#stores.map((open) => open.close()));
  }

  /** Every put that succeeded was seen by the watch once and in order; those of unknown outcome at most once. */
  check(): void {
    expect(this.#problems).toEqual([]);
    expect(new Set(this.#watched).size).toBe(this.#watched.length);
    expect(this.#watched.filter((value) => !this.#unknown.includes(value))).toEqual([...this.#done, 'end']);
  }

  async #begin([puts, reads, renewals, watches, locks]: readonly [Store, Store, Store, Store, Store]): Promise<void> {
    const lease = await renewals.grantLease(TTL_MS);
    const watch = watches.watch(prefix('traffic/'));
    await watch.created;
    let written = 0;
    this.#repeat('puts', 5, async () => {
      const value = `${(written += 1)}`;
      await puts.put('traffic/key', value).then(
        () => this.#done.push(value),
        (error: { code?: string }) => {
          if (error.code !== 'OUTCOME_UNKNOWN') throw error;
          this.#unknown.push(value);
        },
      );
    });
    let lastRevision = 0;
    this.#repeat('reads', 5, async () => {
      const { revision } = await reads.range('traffic/key');
      // The value may go back: a put of unknown outcome may be carried out when the member that hung wakes.
      expect(revision).toBeGreaterThanOrEqual(lastRevision);
      lastRevision = revision;
    });
    this.#repeat('renewals', TTL_MS / 3, () => lease.keepAlive());
    const mutex = (this.#mutex = new Mutex(locks, { name: 'traffic-lock', ttl: '10s' }));
    this.#repeat('locks', 20, () => mutex.run(async () => {}));
    void this.#follow(watch);
  }

  async #follow(watch: WatchStream): Promise<void> {
    try {
      for await (const { events } of watch) this.#watched.push(...events.map(({ kv }) => toText(kv.value)));
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#problems.push(error);
    }
  }

  #repeat(activity: Activity, pauseMs: number, work: () => Promise<unknown>): void {
    const run = async () => {
      while (!this.#stop.signal.aborted) {
        try {
          await work();
          this.#successes[activity].push(performance.now());
        } catch (error) {
          this.#problems.push(error);
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    this.#runs.push(run());
  }
}

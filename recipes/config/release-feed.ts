import { sleep } from '../../core/base/clock.js';
import type { Store } from '../../core/store.js';
import { Backoff } from '../mirror/backoff.js';
import { linkSignals } from '../wait.js';
import { type ConfigLayout, parsePointer, parseRelease, type Release } from './release.js';

/** What the store says: the release in force at a revision, or none. */
export interface Finding {
  readonly release: Release | undefined;
  readonly revision: number;
}

export interface FeedObserver {
  /** Called with each release that comes into force, one after the other; intermediate ones may be left out. */
  found(finding: Finding): Promise<void>;
  /** The store does not answer, and what is known may be out of date. */
  away(error: unknown): void;
}

export interface FeedSettings {
  /** After so long it reads again, even if the watch was silent. */
  readonly reconcileMs: number;
  /** The least time between two releases that are told. */
  readonly debounceMs: number;
}

/**
 * Follows which release is in force: reads, watches the pointer from the next revision on, and begins anew whenever the
 * watch ends, for whatever reason. It also does so from time to time when nothing happens: a watch that went silent must not
 * keep a configuration back.
 */
export class ReleaseFeed {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(
    private readonly store: Store,
    private readonly layout: ConfigLayout,
    private readonly settings: FeedSettings,
    private readonly observer: FeedObserver,
  ) {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const backoff = new Backoff({ leastMs: 100, mostMs: 5_000 });
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#follow(() => backoff.reset());
      } catch (error) {
        if (signal.aborted) return;
        this.observer.away(error);
        await sleep(this.store.clock, backoff.nextMs(), signal).catch(() => undefined);
      }
    }
  }

  /** Reads and watches, until it is time to read again. */
  async #follow(onRead: () => void): Promise<void> {
    const link = linkSignals(this.#stop.signal);
    const reconcile = this.store.clock.after(this.settings.reconcileMs, () => link.abort(TIME_TO_RECONCILE));
    try {
      let revision = await this.#read(link.signal);
      onRead();
      const watch = this.store.watch(this.layout.current, { from: revision + 1, signal: link.signal });
      for await (const batch of watch) {
        // What came during the pause has been read at its end, all of it as one.
        if (batch.revision <= revision) continue;
        revision = await this.#read(link.signal);
        await sleep(this.store.clock, this.settings.debounceMs, link.signal);
      }
    } catch (error) {
      if (link.signal.reason !== TIME_TO_RECONCILE) throw error;
    } finally {
      reconcile.cancel();
      link.unlink();
    }
  }

  /** Tells the release in force; answers the revision as of which it was. */
  async #read(signal: AbortSignal): Promise<number> {
    for (;;) {
      const { kvs, revision } = await this.store.range(this.layout.current, { signal });
      const number = parsePointer(kvs[0]);
      const release =
        number === 0 ? undefined : parseRelease(await this.store.get(this.layout.release(number), { signal }));
      // A release that is not there has been pruned, so the pointer has moved on since.
      if (number !== 0 && !release) continue;
      await this.observer.found({ release, revision: kvs[0]?.modRevision ?? revision });
      return revision;
    }
  }
}

const TIME_TO_RECONCILE = new Error('time to read again');

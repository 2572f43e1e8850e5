import type { CoordinationError } from '../base/errors.js';
import type { Taken, Watcher } from '../watch/hub.js';

/** What a {@link GuardedWatcher} gives beside: the news that its caller may not watch any more, and why. */
export type GuardedTaken = Taken | { readonly type: 'denied'; readonly error: CoordinationError };

/** Ends a watcher when its caller may not watch its range any more: nothing that waits is told, and nothing more comes. */
export class GuardedWatcher {
  readonly #watcher: Watcher;
  readonly #onReady: () => void;
  readonly #onEnd: (watcher: GuardedWatcher) => void;
  /** Throws if the caller may not watch the range. */
  readonly #check: () => void;
  #denial: CoordinationError | undefined;

  constructor(
    watcher: Watcher,
    parts: { check: () => void; onReady: () => void; onEnd: (ended: GuardedWatcher) => void },
  ) {
    this.#watcher = watcher;
    this.#check = parts.check;
    this.#onReady = parts.onReady;
    this.#onEnd = parts.onEnd;
  }

  /** As {@link Watcher.take}. After 'denied' nothing comes any more. */
  take(eventsMax?: number): GuardedTaken | undefined {
    const error = this.#denial;
    if (error === undefined) return this.#watcher.take(eventsMax);
    return { type: 'denied', error };
  }

  get synced(): boolean {
    return this.#denial === undefined && this.#watcher.synced;
  }

  get revision(): number {
    return this.#watcher.revision;
  }

  get startRevision(): number {
    return this.#watcher.startRevision;
  }

  cancel(): void {
    this.#watcher.cancel();
    this.#onEnd(this);
  }

  /** Users or roles may have changed. */
  look(): void {
    try {
      this.#check();
    } catch (error) {
      this.#denial = error as CoordinationError;
      this.cancel();
      this.#onReady();
    }
  }
}

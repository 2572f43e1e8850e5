import type { Taken, Watcher } from '../watch/hub.js';

/**
 * A watcher on a member whose state may be replaced by a snapshot. While that happens there is no history to read, so it
 * has nothing to take, and says so again afterwards.
 */
export class PatientWatcher implements Watcher {
  readonly #watcher: Watcher;
  readonly #installing: () => Promise<void> | undefined;
  readonly #onReady: () => void;
  #isWaiting = false;
  #isCancelled = false;

  constructor(watcher: Watcher, installing: () => Promise<void> | undefined, onReady: () => void) {
    this.#watcher = watcher;
    this.#installing = installing;
    this.#onReady = onReady;
  }

  take(eventsMax?: number): Taken | undefined {
    const installing = this.#installing();
    if (installing === undefined) return this.#watcher.take(eventsMax);
    if (!this.#isWaiting) void this.#wait(installing);
    return undefined;
  }

  get synced(): boolean {
    return !this.#isWaiting && this.#watcher.synced;
  }

  get revision(): number {
    return this.#watcher.revision;
  }

  get startRevision(): number {
    return this.#watcher.startRevision;
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#watcher.cancel();
  }

  async #wait(installing: Promise<void>): Promise<void> {
    this.#isWaiting = true;
    await installing;
    this.#isWaiting = false;
    if (!this.#isCancelled) this.#onReady();
  }
}

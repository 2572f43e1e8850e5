import type { Taken, Watcher } from '../watch/hub.js';
import type { HistoryPace } from './history-pace.js';
import type { Replica } from './replica.js';

/**
 * A watcher that may have to wait before it can read history: for others to have their turn, or, on a member whose state is
 * being replaced by a snapshot, until that is done. Meanwhile it has nothing to take, and says so when it may. A member that
 * ends reads no more history, for the engine closes.
 */
export class PatientWatcher implements Watcher {
  readonly #watcher: Watcher;
  readonly #replica: Pick<Replica, 'installing' | 'ended'>;
  readonly #pace: HistoryPace;
  readonly #onReady: () => void;
  #isWaiting = false;
  #isCancelled = false;

  constructor(
    watcher: Watcher,
    parts: { replica: Pick<Replica, 'installing' | 'ended'>; pace: HistoryPace; onReady: () => void },
  ) {
    this.#watcher = watcher;
    this.#replica = parts.replica;
    this.#pace = parts.pace;
    this.#onReady = parts.onReady;
  }

  take(eventsMax?: number): Taken | undefined {
    const { installing } = this.#replica;
    if (installing !== undefined) {
      if (!this.#isWaiting) void this.#wait(installing);
      return undefined;
    }
    if (!this.#watcher.readsHistory) return this.#watcher.take(eventsMax);
    if (this.#replica.ended !== undefined || !this.#pace.mayRead(this.#onReady)) return undefined;
    const taken = this.#pace.read(() => this.#watcher.take(eventsMax));
    if (taken === undefined && this.readsHistory) this.#pace.later(this.#onReady);
    return taken;
  }

  get readsHistory(): boolean {
    return this.#watcher.readsHistory;
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
    this.#pace.forget(this.#onReady);
    this.#watcher.cancel();
  }

  async #wait(installing: Promise<void>): Promise<void> {
    this.#isWaiting = true;
    await installing;
    this.#isWaiting = false;
    if (!this.#isCancelled) this.#onReady();
  }
}

import type { Clock } from '../base/clock.js';
import type { Watcher, WatchRequest } from '../watch/hub.js';
import { HistoryPace } from './history-pace.js';
import { PatientWatcher } from './patient-watcher.js';
import type { Replica } from './replica.js';

/** Who watches one member. They share its time for reading history, and wait while its state is replaced by a snapshot. */
export class Watches {
  readonly #replica: Replica;
  readonly #pace: HistoryPace;

  constructor(replica: Replica, clock: Clock) {
    this.#replica = replica;
    this.#pace = new HistoryPace(clock);
  }

  /** See {@link Member.watch}. */
  watch(request: WatchRequest, onReady: () => void): Watcher {
    this.#replica.assertRunning();
    const watcher = this.#replica.state.machine.watch.watch(request, onReady);
    return new PatientWatcher(watcher, { replica: this.#replica, pace: this.#pace, onReady });
  }
}

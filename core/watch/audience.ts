import type { Event, KeyRange } from '../base/key-value.js';
import { type EventView, viewEvents } from './event-view.js';
import type { QueuedWatcher } from './watcher.js';
import type { WatchSource } from './watch-source.js';

/**
 * All who watch the same range. What matches is found once for all of them, and those who also want to see it in the
 * same way share one batch.
 */
export class Audience {
  readonly #circles: Circle[] = [];
  /** The events of the revision under way that concern this audience. */
  #events: Event[] = [];

  constructor(readonly target: KeyRange) {}

  get isEmpty(): boolean {
    return this.#circles.length === 0;
  }

  add(watcher: QueuedWatcher): void {
    let circle = this.#circleOf(watcher);
    if (circle === undefined) {
      circle = { view: watcher.view, watchers: new Set() };
      this.#circles.push(circle);
    }
    circle.watchers.add(watcher);
  }

  delete(watcher: QueuedWatcher): void {
    const circle = this.#circleOf(watcher);
    if (circle === undefined) return;
    circle.watchers.delete(watcher);
    if (circle.watchers.size === 0) this.#circles.splice(this.#circles.indexOf(circle), 1);
  }

  forEach(visit: (watcher: QueuedWatcher) => void): void {
    for (const { watchers } of this.#circles) for (const watcher of watchers) visit(watcher);
  }

  /**
   * Notes an event of the revision under way.
   *
   * @returns whether it is the first
   */
  note(event: Event): boolean {
    return this.#events.push(event) === 1;
  }

  /** Tells everyone what was noted, and adds those who must be woken to `woken`. */
  deliver(revision: number, source: WatchSource, woken: QueuedWatcher[]): void {
    const events = this.#events;
    this.#events = [];
    for (const { view, watchers } of this.#circles) {
      const seen = viewEvents(events, view, source);
      if (seen.length === 0) continue;
      const batch = { revision, events: seen };
      for (const watcher of watchers) if (watcher.offer(batch)) woken.push(watcher);
    }
  }

  #circleOf({ view }: QueuedWatcher): Circle | undefined {
    return this.#circles.find((circle) => circle.view.previous === view.previous && circle.view.only === view.only);
  }
}

/** Those of an audience who want to see events in the same way. There are at most six such ways. */
interface Circle {
  readonly view: EventView;
  readonly watchers: Set<QueuedWatcher>;
}

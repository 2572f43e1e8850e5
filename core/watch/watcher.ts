import { assert, unreachable } from '../base/assert.js';
import type { Event, KeyRange } from '../base/key-value.js';
import type { WatchBatch } from '../base/operation.js';
import { type EventView, viewEvents } from './event-view.js';
import type { WatchSource } from './watch-source.js';

/** What to watch, and how to tell it. */
export interface WatchRequest {
  readonly target: KeyRange;
  /** The first revision to deliver. Absent or 0: the next one. One that lies in the future is waited for silently. */
  readonly from?: number;
  /** Let each event carry the key as it was before. */
  readonly previous?: boolean;
  /** Deliver only events of this type. */
  readonly only?: Event['type'];
}

/** What {@link Watcher.take} gives: whole revisions, or the news that the next one was compacted away. */
export type Taken =
  | { readonly type: 'batch'; readonly batch: WatchBatch }
  | { readonly type: 'compacted'; readonly compactRevision: number };

/** One who watches: its events wait here until they are taken. */
export interface Watcher {
  /**
   * The next of what waits; `undefined` while nothing does. Take once after `watch()`, since there may be something
   * already, and then whenever `onReady` fires. After 'compacted' nothing comes any more. One that is behind reads a part of
   * history each time, in which there may be nothing for it: then there is none, and `readsHistory` says to take again.
   *
   * @param eventsMax - so many events of several revisions come as one batch, with the last one's revision. Absent: one
   * revision, which comes whole whatever is asked
   */
  take(eventsMax?: number): Taken | undefined;
  /**
   * Whether everything up to the present has been taken, so that `revision` is a progress notification. A watcher that
   * waits for a future revision is not.
   */
  readonly synced: boolean;
  /** Whether the next `take` reads a part of history. */
  readonly readsHistory: boolean;
  /** Everything up to here has been taken, or did not concern this watcher. */
  readonly revision: number;
  /** The first revision that is delivered. */
  readonly startRevision: number;
  /** Ends it; what waits is dropped. Cancelling twice, or within `onReady`, does no harm. */
  cancel(): void;
}

/** What a watcher needs of its hub. */
export interface WatcherHome {
  readonly source: WatchSource;
  readonly settings: WatchSettings;
  /** The last revision that was published. */
  readonly publishedRevision: number;
  remove(watcher: QueuedWatcher): void;
}

/** What bounds a watcher. */
export interface WatchSettings {
  /** Events of the present that wait for one watcher. One that would have more waiting reads them from history later. */
  readonly queueEventsMax: number;
  /** Revisions of history that are read at once for one watcher. */
  readonly catchUpRevisionsMax: number;
}

/**
 * Where a watcher stands. It may be cancelled anywhere.
 *
 * ```text
 *   future ─────────▶ synced ◀─────────▶ catchingUp ─────────▶ ended
 *   its first         what is            reads history when it   its next revision
 *   revision has      published          is asked, and lets      was compacted
 *   not come          is queued          what is published pass
 * ```
 *
 * When the state is replaced by a later one, whoever has missed something by it catches up, from `future` as well.
 */
type State = 'future' | 'synced' | 'catchingUp' | 'ended';

/**
 * A watcher with a bounded queue. It never loses, repeats, splits or reorders a revision: `#nextRevision` is the lowest
 * one that was neither queued nor passed over, and every way into the queue begins there.
 */
export class QueuedWatcher implements Watcher {
  readonly startRevision: number;
  readonly target: KeyRange;
  readonly view: EventView;
  readonly #home: WatcherHome;
  readonly #onReady: () => void;
  readonly #queue: WatchBatch[] = [];
  #queuedEvents = 0;
  #state: State;
  #nextRevision: number;

  constructor(home: WatcherHome, request: WatchRequest, onReady: () => void) {
    const present = home.source.revision;
    this.#home = home;
    this.#onReady = onReady;
    this.target = request.target;
    this.view = { previous: request.previous ?? false, only: request.only };
    this.startRevision = request.from || present + 1;
    this.#nextRevision = this.startRevision;
    if (this.startRevision <= present) this.#state = 'catchingUp';
    else this.#state = this.startRevision === present + 1 ? 'synced' : 'future';
  }

  get synced(): boolean {
    if (this.#queue.length > 0) return false;
    const hasBegun = this.startRevision <= this.#home.publishedRevision + 1;
    return this.#state === 'synced' || (this.#state === 'future' && hasBegun);
  }

  get readsHistory(): boolean {
    return this.#state === 'catchingUp' && this.#queue.length === 0;
  }

  get revision(): number {
    const [first] = this.#queue;
    if (first !== undefined) return first.revision - 1;
    const seesThePresent = this.#state === 'synced' || this.#state === 'future';
    return seesThePresent ? this.#home.publishedRevision : this.#nextRevision - 1;
  }

  take(eventsMax = 0): Taken | undefined {
    let batch = this.#dequeue(eventsMax);
    if (batch === undefined && this.#state === 'catchingUp') {
      const { compactRevision } = this.#home.source;
      if (this.#nextRevision < compactRevision) {
        this.cancel();
        return { type: 'compacted', compactRevision };
      }
      this.#readHistory();
      batch = this.#dequeue(eventsMax);
    }
    return batch && { type: 'batch', batch };
  }

  cancel(): void {
    if (this.#state === 'ended') return;
    // What is dropped now was not taken: `revision` goes on telling the truth.
    this.#nextRevision = this.revision + 1;
    this.#state = 'ended';
    this.#queue.length = 0;
    this.#home.remove(this);
  }

  /**
   * Tells it of what is published now.
   *
   * @returns whether it had nothing to take before and has something now
   */
  offer(batch: WatchBatch): boolean {
    if (batch.revision < this.#nextRevision) return false;
    switch (this.#state) {
      case 'future':
        this.#state = 'synced';
        return this.#enqueueOrFallBehind(batch);
      case 'synced':
        return this.#enqueueOrFallBehind(batch);
      case 'catchingUp':
      case 'ended':
        return false;
      default:
        return unreachable(this.#state);
    }
  }

  /**
   * Tells it that the state was replaced by one that may have gone further. What was published until then it has queued or
   * passed over, or is about to read from history; the rest it reads from the new one's.
   *
   * @returns whether it had nothing to take before and may have something now
   */
  move(publishedBefore: number): boolean {
    if (this.#state === 'catchingUp' || this.#state === 'ended') return false;
    const next = Math.max(this.#nextRevision, publishedBefore + 1);
    if (next > this.#home.source.revision) return false;
    this.#nextRevision = next;
    this.#state = 'catchingUp';
    return this.#queue.length === 0;
  }

  /** Calls `onReady`, unless it has been cancelled meanwhile. */
  wake(): void {
    if (this.#state !== 'ended') this.#onReady();
  }

  #enqueueOrFallBehind(batch: WatchBatch): boolean {
    const wasEmpty = this.#queue.length === 0;
    if (this.#queuedEvents + batch.events.length > this.#home.settings.queueEventsMax) {
      // What waits already stays: its place is paid for, and history need not be read for it again.
      this.#nextRevision = batch.revision;
      this.#state = 'catchingUp';
    } else {
      this.#nextRevision = batch.revision + 1;
      this.#enqueue(batch);
    }
    return wasEmpty;
  }

  #readHistory(): void {
    const { source, settings } = this.#home;
    const { batches, nextRevision } = source.history({
      fromRevision: this.#nextRevision,
      revisionsMax: settings.catchUpRevisionsMax,
      target: this.target,
    });
    assert(nextRevision > this.#nextRevision, 'reading history leads on');
    for (const { revision, events } of batches) {
      const seen = viewEvents(events, this.view, source);
      if (seen.length > 0) this.#enqueue({ revision, events: seen });
    }
    this.#nextRevision = nextRevision;
    if (nextRevision > source.revision) this.#state = 'synced';
  }

  #enqueue(batch: WatchBatch): void {
    this.#queue.push(batch);
    this.#queuedEvents += batch.events.length;
  }

  #dequeue(eventsMax: number): WatchBatch | undefined {
    let [count, eventCount] = [0, 0];
    for (const { events } of this.#queue) {
      if (count > 0 && eventCount + events.length > eventsMax) break;
      count += 1;
      eventCount += events.length;
    }
    this.#queuedEvents -= eventCount;
    const taken = this.#queue.splice(0, count);
    const last = taken.at(-1);
    return last && count > 1 ? { revision: last.revision, events: taken.flatMap(({ events }) => events) } : last;
  }
}

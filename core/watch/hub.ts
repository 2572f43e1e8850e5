import { assert } from '../base/assert.js';
import { compareBytes } from '../base/bytes.js';
import { EmptyRangeError, InvalidArgumentError } from '../base/errors.js';
import { isOpenEnded } from '../base/key-range.js';
import type { Event } from '../base/key-value.js';
import type { RevisionEvents } from '../mvcc/history.js';
import type { Audience } from './audience.js';
import { AudienceIndex } from './audience-index.js';
import { QueuedWatcher, type Watcher, type WatcherHome, type WatchRequest, type WatchSettings } from './watcher.js';
import type { WatchSource } from './watch-source.js';

export type { Taken, Watcher, WatchRequest, WatchSettings } from './watcher.js';

/**
 * From applied revisions to watchers. It pushes nothing: what is published waits in each watcher's bounded queue until
 * it is taken, and a watcher whose queue is full reads history instead, at its own pace.
 *
 * Guarantee, for every watcher: every event of its range and type from its first revision on, in the order of revisions,
 * none twice, and no revision in parts (etcd, "KV API guarantees", watch APIs); or the news that what comes next was
 * compacted.
 */
export class WatchHub implements WatcherHome {
  #source: WatchSource;
  readonly settings: WatchSettings;
  readonly #audiences = new AudienceIndex();
  #publishedRevision: number;
  #watcherCount = 0;
  /** The event that is being matched, and whom its revision concerns so far. */
  #event!: Event;
  #concerned: Audience[] = [];

  constructor(keyspace: WatchSource, settings: WatchSettings) {
    this.#source = keyspace;
    this.settings = settings;
    this.#publishedRevision = keyspace.revision;
  }

  get source(): WatchSource {
    return this.#source;
  }

  get watcherCount(): number {
    return this.#watcherCount;
  }

  get publishedRevision(): number {
    return this.#publishedRevision;
  }

  /**
   * Adds a watcher. There may be something to take at once, which `onReady` does not announce.
   *
   * @param onReady - called, at the end of a `publish()`, when `take()` has something after it had nothing. It may take,
   * watch and cancel; it must not throw
   * @throws {@link EmptyRangeError} if the range can contain no key
   * @throws {@link InvalidArgumentError} if `from` is not a whole number
   */
  watch(request: WatchRequest, onReady: () => void): Watcher {
    const { from, target } = request;
    if (from !== undefined && !Number.isSafeInteger(from)) {
      throw new InvalidArgumentError('from', from, 'a revision: a whole number');
    }
    if (target.end !== undefined && !isOpenEnded(target.end) && compareBytes(target.key, target.end) >= 0) {
      throw new EmptyRangeError(target.key, target.end);
    }
    const watcher = new QueuedWatcher(this, request, onReady);
    this.#audiences.of(target).add(watcher);
    this.#watcherCount += 1;
    return watcher;
  }

  /**
   * Tells of finished revisions, in order. Watchers are called back only when all of them are told, so that whatever
   * they do then finds the hub and the keyspace at the same revision.
   */
  publish(batches: readonly RevisionEvents[]): void {
    const woken: QueuedWatcher[] = [];
    for (const batch of batches) {
      assert(batch.revision > this.#publishedRevision, 'revisions are published once and in order');
      this.#publishedRevision = batch.revision;
      if (this.#watcherCount > 0) this.#deliver(batch, woken);
    }
    for (const watcher of woken) watcher.wake();
  }

  /**
   * Goes on over a keyspace that has taken the place of the one before, having gone further: that of a snapshot. What was
   * published waits where it did; what came since is read from the new one's history, unless that was compacted. Whoever
   * had nothing to take, and now may, is called back; there may turn out to be nothing after all.
   */
  moveTo(keyspace: WatchSource): void {
    assert(keyspace.revision >= this.#publishedRevision, 'a state is replaced by one that is not older');
    const publishedBefore = this.#publishedRevision;
    this.#source = keyspace;
    this.#publishedRevision = keyspace.revision;
    const woken: QueuedWatcher[] = [];
    this.#audiences.forEachWatcher((watcher) => {
      if (watcher.move(publishedBefore)) woken.push(watcher);
    });
    for (const watcher of woken) watcher.wake();
  }

  /** A watcher takes leave. */
  remove(watcher: QueuedWatcher): void {
    const audience = this.#audiences.of(watcher.target);
    audience.delete(watcher);
    if (audience.isEmpty) this.#audiences.delete(audience);
    this.#watcherCount -= 1;
  }

  #deliver({ revision, events }: RevisionEvents, woken: QueuedWatcher[]): void {
    for (const event of events) {
      this.#event = event;
      this.#audiences.forEachConcernedBy(event.kv.key, this.#note);
    }
    if (this.#concerned.length === 0) return;
    for (const audience of this.#concerned) audience.deliver(revision, this.#source, woken);
    this.#concerned = [];
  }

  readonly #note = (audience: Audience): void => {
    if (audience.note(this.#event)) this.#concerned.push(audience);
  };
}

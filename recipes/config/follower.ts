import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Timer } from '../../core/base/clock.js';
import { hasCode } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import type { KeyValue } from '../../core/base/key-value.js';
import { ForeignReport } from '../foreign.js';
import { Backoff } from '../mirror/backoff.js';
import { deferred } from '../mirror/deferred.js';
import { Mirror } from '../mirror/mirror.js';
import { abortable } from '../wait.js';
import type { RejectionError } from './config-change.js';
import type { ConfigSettings } from './config-options.js';
import { ConfigDowngradeError, ReleaseNotFoundError } from './errors.js';
import { type ConfigLayout, parsePointer, type Pointer, type Release } from './release.js';
import type { ReleaseLog } from './release-log.js';
import { assertJson, type Input, type Output, validated } from './schema.js';
import type { SnapshotFile } from './snapshot-file.js';

const RETRY_LEAST_MS = 100;
const RETRY_MOST_MS = 30_000;

/** What is in force here, and who says so. */
export interface InForce<S extends StandardSchemaV1> {
  readonly release: Release;
  readonly revision: number;
  readonly current: Output<S>;
  readonly source: 'store' | 'snapshot';
}

/** A release that the store has in force, and this process does not. */
export interface Rejected extends Pointer {
  readonly error: RejectionError;
}

/** Told at once, after the state has changed. */
export interface FollowerObserver<S extends StandardSchemaV1> {
  applied(next: InForce<S>, previous: InForce<S> | undefined): void;
  rejected(rejected: Rejected): void;
  stale(stale: boolean): void;
}

export interface FollowerParts<S extends StandardSchemaV1> {
  readonly settings: ConfigSettings<S>;
  readonly layout: ConfigLayout;
  readonly log: ReleaseLog;
  readonly file: SnapshotFile | undefined;
  readonly initial: { readonly document: Input<S> } | undefined;
  readonly observer: FollowerObserver<S>;
}

/**
 * Brings into force here what is in force in the store. A mirror follows the pointer, and one loop does the rest, a release
 * at a time: read it, validate it, and either swap it in whole or reject it.
 */
export class Follower<S extends StandardSchemaV1> {
  readonly #store: Store;
  readonly #parts: FollowerParts<S>;
  readonly #foreign: ForeignReport;
  /** The number of the release in force; 0 if its key holds none that we could have written. */
  readonly #pointer: Mirror<number>;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #timers = new Map<'offline' | 'debounce' | 'reconcile' | 'retry', Timer>();
  #isStarted = false;
  #inForce: InForce<S> | undefined;
  #rejected: Rejected | undefined;
  /** Why nothing is in force, if something other than time must change that. */
  #failure: { readonly error: Error } | undefined;
  #news = deferred();
  #toldStale = false;
  /** What was published by this process, until the mirror has it. */
  #published: Pointer | undefined;
  #hasTriedSnapshot = false;
  #mustLoad = false;
  /** The last look failed; another one comes by itself. */
  #isUnread = false;
  /** The store is closed, or its member has stopped: nothing more comes. */
  #isOver = false;
  #loading: Promise<void> | undefined;

  constructor(store: Store, parts: FollowerParts<S>) {
    this.#store = store;
    this.#backoff = new Backoff({ leastMs: RETRY_LEAST_MS, mostMs: RETRY_MOST_MS, prng: store.prng });
    this.#parts = parts;
    this.#foreign = new ForeignReport(store.logger, `config ${parts.settings.name}`);
    this.#pointer = new Mirror(store, { target: parts.layout.current, decode: (kv) => this.#decode(kv) });
  }

  get inForce(): InForce<S> | undefined {
    return this.#inForce;
  }

  get rejected(): Rejected | undefined {
    return this.#rejected;
  }

  /** Whether the store may have another release in force: it does not answer, did not yet, or has none any more. */
  get stale(): boolean {
    return this.#inForce?.source !== 'store' || this.#pointer.stale || !this.#newest()?.release;
  }

  start(): void {
    if (this.#isStarted || this.#stop.signal.aborted) return;
    this.#isStarted = true;
    this.#pointer.observe({
      diff: () => this.#pointerChanged(),
      live: () => this.#noteStaleness(),
      stale: () => {
        this.#noteStaleness();
        void this.#useSnapshot();
      },
      failed: (error) => {
        this.#isOver = true;
        this.#fail(error as Error);
      },
    });
    this.#pointer.ready().then(
      () => this.load(),
      () => undefined, // The observer is told.
    );
    this.#after('offline', this.#parts.settings.offlineAfterMs, () => {
      if (this.#pointer.stale) void this.#useSnapshot();
    });
    this.#armReconcile();
  }

  /**
   * Waits until something is in force.
   *
   * @throws why nothing is, if something other than time must change that
   */
  async untilInForce(signal: AbortSignal): Promise<void> {
    this.start();
    while (!this.#inForce) {
      if (this.#failure) throw this.#failure.error;
      await abortable(this.#news.promise, signal);
    }
  }

  /**
   * This process published a release: reads it, whether or not the watch has told of it. Resolves when it was looked at, or
   * never can be.
   */
  async follow(published: Pointer): Promise<void> {
    this.#published = published;
    if (!this.#isStarted) return;
    await this.load();
    while (this.#isUnread && !this.#isOver && !this.#stop.signal.aborted) await this.#news.promise;
  }

  async close(error: Error): Promise<void> {
    this.#stop.abort();
    this.#fail(error);
    for (const timer of this.#timers.values()) timer.cancel();
    await Promise.all([this.#pointer.close(), this.#loading]);
  }

  // --- When to look -----------------------------------------------------------------------------------------------------

  #pointerChanged(): void {
    this.#noteStaleness();
    const isFollowing = this.#inForce?.source === 'store';
    if (!isFollowing) void this.load();
    else if (!this.#timers.has('debounce')) {
      this.#after('debounce', this.#parts.settings.debounceMs, () => void this.load());
    }
  }

  /** Belt and braces: the watch tells every change, and this finds any that it did not. */
  #armReconcile(): void {
    const { reconcileMs } = this.#parts.settings;
    this.#after('reconcile', reconcileMs, () => {
      this.#pointer
        .reconcile({ timeout: reconcileMs, signal: this.#stop.signal })
        .catch(() => undefined) // The mirror notices by itself that it is stale.
        .finally(() => this.#armReconcile());
    });
  }

  /** Looks for what is to be brought into force. Who asks meanwhile is served by one more look. */
  load(): Promise<void> {
    this.#mustLoad = true;
    this.#loading ??= this.#loadAll().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #loadAll(): Promise<void> {
    while (this.#mustLoad && !this.#stop.signal.aborted) {
      this.#mustLoad = false;
      try {
        await this.#loadOnce();
        this.#isUnread = false;
        this.#backoff.reset();
        this.#timers.get('retry')?.cancel();
        this.#timers.delete('retry');
        this.#tellNews();
      } catch (error) {
        if (this.#isOver || this.#stop.signal.aborted) return;
        this.#isUnread = true;
        this.#warn({ err: error }, 'a release could not be read; trying again');
        this.#after('retry', this.#backoff.nextMs(), () => void this.load());
      }
    }
  }

  #decode(kv: KeyValue): number {
    const release = parsePointer(kv);
    if (release === 0) this.#foreign.found(kv.key);
    return release;
  }

  // --- One look ---------------------------------------------------------------------------------------------------------

  async #loadOnce(): Promise<void> {
    const stored = this.#newest();
    const isKnown = (revision: number) =>
      (this.#inForce?.source === 'store' && this.#inForce.revision === revision) ||
      this.#rejected?.revision === revision;
    if (stored && isKnown(stored.revision)) return;
    // What is foreign there stands in the place of a pointer to the newest release.
    const number = stored?.release === 0 ? await this.#parts.log.newest(this.#stop.signal) : stored?.release;
    if (!stored || !number) return this.#inForce ? undefined : this.#publishInitial();
    const pointer = { ...stored, release: number };
    const release = await this.#parts.log.read(pointer.release, this.#stop.signal);
    if (release) return this.#judge(pointer, release);
    // A release that is not there may have been pruned, and then others have followed it.
    await this.#pointer.reconcile({ signal: this.#stop.signal });
    if (this.#newest()?.revision !== pointer.revision) this.#mustLoad = true;
    else this.#reject({ ...pointer, error: new ReleaseNotFoundError(this.#name, pointer.release) });
  }

  async #judge(pointer: Pointer, release: Release): Promise<void> {
    let current: Output<S>;
    try {
      // It may be one that no `publish` has let through.
      assertJson(this.#name, release.document);
      current = await this.#validated(release.document);
    } catch (error) {
      return this.#reject({ ...pointer, error: error as RejectionError });
    }
    const inForceRevision = this.#inForce?.revision ?? 0;
    if (pointer.revision < inForceRevision) {
      const error = new ConfigDowngradeError(this.#name, inForceRevision, pointer.revision);
      return this.#reject({ ...pointer, error });
    }
    this.#parts.file?.save({ release, revision: pointer.revision });
    this.#apply({ release, revision: pointer.revision, current, source: 'store' });
  }

  /** Which release is in force in the store, as far as is known here. */
  #newest(): Pointer | undefined {
    const entry = this.#pointer.get(this.#parts.layout.current);
    if (this.#published && this.#pointer.revision >= this.#published.revision) this.#published = undefined;
    return this.#published ?? (entry && { release: entry.value, revision: entry.modRevision });
  }

  async #publishInitial(): Promise<void> {
    const { initial, log } = this.#parts;
    if (!initial) return;
    try {
      assertJson(this.#name, initial.document);
      await this.#validated(initial.document);
      const publication = { document: initial.document, comment: 'initial', onlyFirst: true };
      this.#published = (await log.publish(publication, this.#stop.signal)).pointer;
      this.#mustLoad = true;
    } catch (error) {
      // Somebody else was first, and the watch brings what he published.
      if (hasCode(error, 'CONFIG_CONFLICT')) return;
      if (!hasCode(error, 'INVALID_CONFIG')) throw error;
      this.#fail(error as Error);
    }
  }

  /** The last good release of an earlier life; for want of a better one only. */
  async #useSnapshot(): Promise<void> {
    const { file } = this.#parts;
    if (!file || this.#inForce || this.#hasTriedSnapshot) return;
    this.#hasTriedSnapshot = true;
    const snapshot = await file.load();
    if (!snapshot) return;
    try {
      const current = await this.#validated(snapshot.release.document);
      if (!this.#inForce && !this.#stop.signal.aborted) this.#apply({ ...snapshot, current, source: 'snapshot' });
    } catch (error) {
      this.#warn({ err: error }, 'the snapshot is not what the schema accepts');
    }
  }

  // --- What becomes of it -----------------------------------------------------------------------------------------------

  /** Swaps what is in force; then, and only then, tells. */
  #apply(next: InForce<S>): void {
    const previous = this.#inForce;
    this.#inForce = next;
    if (next.source === 'store') this.#rejected = undefined;
    this.#noteStaleness();
    this.#parts.observer.applied(next, previous);
    this.#tellNews();
  }

  #reject(rejected: Rejected): void {
    const { release, error } = rejected;
    this.#rejected = rejected;
    this.#warn({ release, err: error }, 'a release is rejected');
    this.#parts.observer.rejected(rejected);
    void this.#useSnapshot().then(() => {
      if (!this.#inForce) this.#fail(error);
    });
  }

  #fail(error: Error): void {
    this.#failure = { error };
    this.#tellNews();
  }

  #noteStaleness(): void {
    const { stale } = this;
    if (!this.#inForce || stale === this.#toldStale) return;
    this.#toldStale = stale;
    this.#parts.observer.stale(stale);
  }

  #tellNews(): void {
    const news = this.#news;
    this.#news = deferred();
    news.resolve();
  }

  // --- Others -----------------------------------------------------------------------------------------------------------

  get #name(): string {
    return this.#parts.settings.name;
  }

  #validated(document: unknown): Promise<Output<S>> {
    return validated(this.#store.clock, this.#name, this.#parts.settings.schema, document);
  }

  #after(name: 'offline' | 'debounce' | 'reconcile' | 'retry', delayMs: number, callback: () => void): void {
    if (this.#stop.signal.aborted) return;
    this.#timers.get(name)?.cancel();
    const timer = this.#store.clock.after(delayMs, () => {
      this.#timers.delete(name);
      callback();
    });
    this.#timers.set(name, timer);
  }

  #warn(fields: object, message: string): void {
    this.#store.logger.warn({ config: this.#name, ...fields }, message);
  }
}

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { randomBytes } from 'node:crypto';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { ClosedError, hasCode, InvalidArgumentError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { put } from '../../core/txn.js';
import { Emitter } from '../emitter.js';
import { parseObject } from '../metadata.js';
import { type SessionSource, SessionKeeper } from '../session/session-keeper.js';
import { mergedSettings, requiredName } from '../settings.js';
import { bounded, linkSignals, onAbort, type WaitOptions } from '../wait.js';
import { changedPaths, type PathChange } from './document.js';
import { ConfigNotReadyError, InvalidConfigError } from './errors.js';
import { Publisher } from './publisher.js';
import { ConfigLayout, type Release } from './release.js';
import { type Finding, ReleaseFeed } from './release-feed.js';
import { assertJson, validated } from './schema.js';
import { SnapshotFile } from './snapshot-file.js';

export interface ConfigWatcherOptions<S extends StandardSchemaV1 = StandardSchemaV1> extends SessionSource {
  /** Everybody who gives this name, in this namespace, shares one configuration. */
  readonly name?: string;
  /** What a document must be: any Standard Schema, such as zod's, valibot's or arktype's. */
  readonly schema?: S;
  /** The first part of its keys. Default: `'conclave'`. */
  readonly namespace?: string;
  /** Published if nothing was published yet. */
  readonly initial?: StandardSchemaV1.InferInput<S>;
  /** How many releases are kept. Default: 50. */
  readonly history?: number;
  /** A file for the last good release, used if the store does not answer at the start. It holds the document as it is. */
  readonly snapshot?: string;
  /** How long a start waits for the store before it takes the snapshot. Default: `'3s'`. */
  readonly offlineAfter?: Duration;
  /** The least time between two changes; releases that follow each other faster are told as one. Default: `'100ms'`. */
  readonly debounce?: Duration;
  /** After so long without a change the store is asked whether one was missed. Default: `'60s'`. */
  readonly reconcile?: Duration;
  /** Let `instances()` show what this process made of the release. Default: false. */
  readonly report?: boolean;
}

export interface PublishOptions extends WaitOptions {
  /** Why; shown in the history. */
  readonly comment?: string;
  /** Who. Default: host and process. */
  readonly author?: string;
  /** Publish only if this release is in force; 0: only if nothing was published yet. */
  readonly ifRelease?: number;
}

/** A release came into force here. */
export interface ConfigChange<S extends StandardSchemaV1 = StandardSchemaV1> {
  readonly release: number;
  readonly current: Readonly<StandardSchemaV1.InferOutput<S>>;
  /** Absent for the first. */
  readonly previous?: Readonly<StandardSchemaV1.InferOutput<S>>;
  /** What differs from `previous`; of the first, the whole document. */
  readonly changes: readonly PathChange[];
  readonly comment?: string;
  readonly author: string;
}

/** What one process made of a release, as it says itself. */
export interface InstanceReport {
  readonly instance: string;
  readonly release: number;
  readonly status: 'applied' | 'rejected';
  readonly error?: string;
}

export interface ConfigEvents<S extends StandardSchemaV1 = StandardSchemaV1> {
  /** A release came into force; `current` has it already. */
  change: (change: ConfigChange<S>) => void;
  /** A release is in force elsewhere that this process cannot accept; the last good one stays. */
  rejected: (release: number, error: InvalidConfigError) => void;
  /** The store does not answer (true), or does again (false). */
  stale: (stale: boolean) => void;
}

/** What is in force here. */
interface InForce<S extends StandardSchemaV1> {
  readonly release: Release;
  readonly revision: number;
  readonly value: Readonly<StandardSchemaV1.InferOutput<S>>;
}

const HISTORY = 50;

/**
 * A configuration that reloads: a document, typed by a schema, published as a whole and seen by all who watch it.
 *
 * Guarantees: `current` is always a whole release that the schema accepted, never a mixture; a release that it does not
 * accept changes nothing; releases come into force in their order, and a later one is never followed by an earlier one.
 * Releases that follow each other quickly may be left out. `current` changes before listeners are called.
 *
 * @example
 * ```ts
 * const config = new ConfigWatcher(store, { name: 'payments', schema, initial: { limits: { max: 100 } } });
 * await config.ready();
 * config.on('change', ({ changes }) => log.info(changes));
 * ```
 */
export class ConfigWatcher<S extends StandardSchemaV1 = StandardSchemaV1>
  extends Emitter<ConfigEvents<S>>
  implements AsyncDisposable
{
  readonly name: string;
  readonly #store: Store;
  readonly #schema: S;
  readonly #options: ConfigWatcherOptions<S>;
  readonly #layout: ConfigLayout;
  readonly #publisher: Publisher;
  readonly #snapshot: SnapshotFile | undefined;
  readonly #sessions: SessionKeeper;
  readonly #closing = new AbortController();
  readonly #instance = randomBytes(6).toString('hex');
  readonly #settings: { readonly reconcileMs: number; readonly debounceMs: number; readonly offlineAfterMs: number };
  #feed: ReleaseFeed | undefined;
  #inForce: InForce<S> | undefined;
  #rejection: InvalidConfigError | undefined;
  #stale = true;
  #lookedAtRevision = 0;
  #disposing: Promise<void> | undefined;
  /** Called whenever something has changed that somebody may wait for. */
  readonly #waiting = new Set<() => void>();

  /** @throws {@link InvalidArgumentError} if name or schema are missing, or an option is outside its limits */
  constructor(store: Store, options?: ConfigWatcherOptions<S>) {
    super(store.logger);
    const merged = mergedSettings<ConfigWatcherOptions<S>>(new.target, 'configWatcher', options);
    this.name = requiredName(new.target, 'configWatcher', merged);
    this.#schema = requiredSchema(new.target.name, merged.schema);
    this.#store = store;
    this.#options = merged;
    this.#layout = new ConfigLayout(merged.namespace, this.name);
    this.#publisher = new Publisher(store, this.name, this.#layout, checkedHistory(merged.history));
    this.#snapshot = merged.snapshot === undefined ? undefined : new SnapshotFile(merged.snapshot, this.name);
    this.#sessions = new SessionKeeper(store, `config ${this.name}`, merged);
    this.#settings = {
      reconcileMs: toMilliseconds(merged.reconcile ?? '60s', 'reconcile'),
      debounceMs: toMilliseconds(merged.debounce ?? '100ms', 'debounce'),
      offlineAfterMs: toMilliseconds(merged.offlineAfter ?? '3s', 'offlineAfter'),
    };
  }

  /**
   * Waits until there is a configuration: the release in force; `initial`, if nothing was published; or the snapshot, if
   * the store does not answer. From then on it is kept up to date.
   *
   * @throws {@link InvalidConfigError} if the release in force is not what the schema accepts, and there is no earlier good
   * one here; it goes on watching, so a later `ready()` may succeed
   * @throws {@link TimeoutError} or the signal's reason; {@link ClosedError} after {@link dispose}
   */
  async ready(options: WaitOptions = {}): Promise<void> {
    await this.#bounded('being ready', options, async (signal) => {
      this.#start();
      while (!this.#inForce) {
        if (this.#rejection) throw this.#rejection;
        await this.#somethingHappens(signal);
      }
    });
  }

  /**
   * The configuration now in force, frozen.
   *
   * @throws {@link ConfigNotReadyError} before {@link ready}
   */
  get current(): Readonly<StandardSchemaV1.InferOutput<S>> {
    return this.#known().value;
  }

  /** The number of the release in force. @throws as {@link current} */
  get release(): number {
    return this.#known().release.release;
  }

  /** Whether the store has not confirmed lately that this is still the release in force. */
  get stale(): boolean {
    return this.#stale;
  }

  /**
   * Each change from now on. Who reads slowly gets several of them as one, and none is lost.
   *
   * @throws the signal's reason; ends when the watcher is disposed
   */
  async *changes(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ConfigChange<S>, void, undefined> {
    await this.ready(options);
    let told = this.#known();
    const link = linkSignals(options.signal, this.#closing.signal);
    try {
      for (;;) {
        const latest = this.#known();
        if (latest.release.publicationId !== told.release.publicationId) {
          yield toChange(latest, told);
          told = latest;
        } else {
          await this.#somethingHappens(link.signal);
        }
      }
    } catch (error) {
      if (!this.#closing.signal.aborted || options.signal?.aborted) throw error;
    } finally {
      link.unlink();
    }
  }

  /**
   * Publishes a document as the next release, for everybody. It is in force here soon after, as everywhere: await the
   * change, or {@link changes}.
   *
   * @throws {@link InvalidConfigError} if schema or JSON do not accept it; {@link ConfigConflictError} if another release
   * than `ifRelease` is in force; {@link TimeoutError} or the signal's reason: it may or may not have been published
   */
  async publish(next: StandardSchemaV1.InferInput<S>, options: PublishOptions = {}): Promise<Release> {
    return this.#publish(next, options);
  }

  /**
   * The releases that are kept, newest first.
   *
   * @param options - `limit`: at most so many. Default: all that are kept
   */
  async history(options: WaitOptions & { readonly limit?: number } = {}): Promise<readonly Release[]> {
    return this.#bounded('reading the history', options, (signal) =>
      this.#publisher.history(options.limit ?? 0, signal),
    );
  }

  /**
   * Publishes the document of an earlier release again, as a new release.
   *
   * @throws {@link ReleaseNotFoundError} if the history does not have it; else as {@link publish}: a document that was good
   * once need not be what the schema accepts today
   */
  async rollback(release: number, options: PublishOptions = {}): Promise<Release> {
    const { document } = await this.#bounded('a rollback', options, (signal) => this.#publisher.find(release, signal));
    const comment = options.comment ?? `rollback to release ${release}`;
    return this.#publish(document, { ...options, comment }, release);
  }

  /** What the processes with the option `report` made of the release in force. */
  async instances(options: WaitOptions = {}): Promise<readonly InstanceReport[]> {
    return this.#bounded('reading reports', options, async (signal) => {
      const { kvs } = await this.#store.range(this.#layout.allSeen, { signal });
      return kvs
        .map(({ value }) => parseObject(value) as unknown as InstanceReport)
        .filter((report) => report !== undefined);
    });
  }

  /** Ends watching; `current` stays what it was. Idempotent; never rejects. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    this.#closing.abort(new ClosedError(`config ${this.name}`));
    await this.#feed?.close();
    await this.#sessions.close();
  }

  #start(): void {
    if (this.#feed) return;
    this.#feed = new ReleaseFeed(this.#store, this.#layout, this.#settings, {
      found: (finding) => this.#found(finding),
      away: (error) => this.#away(error),
    });
    if (!this.#snapshot) return;
    const patience = this.#store.clock.after(this.#settings.offlineAfterMs, () => void this.#useSnapshot());
    onAbort(this.#closing.signal, () => patience.cancel());
  }

  async #found({ release, revision }: Finding): Promise<void> {
    this.#setStale(false);
    if (!release) return this.#publishInitial();
    // A reading that was overtaken by a later one must not undo it.
    if (revision <= this.#lookedAtRevision) return;
    this.#lookedAtRevision = revision;
    try {
      const value = await validated(this.name, this.#schema, release.document);
      this.#rejection = undefined;
      this.#apply({ release, revision, value });
      await this.#keep(release, revision);
      await this.#report(release.release);
    } catch (error) {
      if (!hasCode(error, 'INVALID_CONFIG')) throw error;
      await this.#reject(release, error as InvalidConfigError);
    }
  }

  /** First the value, then whoever waits or listens. */
  #apply(next: InForce<S>): void {
    const previous = this.#inForce;
    this.#inForce = next;
    this.#wake();
    if (previous?.release.publicationId === next.release.publicationId) return;
    this.announce('change', toChange(next, previous));
  }

  async #reject(release: Release, error: InvalidConfigError): Promise<void> {
    this.#rejection = error;
    this.#store.logger.warn(
      { config: this.name, release: release.release, issues: error.issues },
      'a release is rejected',
    );
    this.announce('rejected', release.release, error);
    this.#wake();
    await this.#report(release.release, error);
  }

  async #publishInitial(): Promise<void> {
    const { initial } = this.#options;
    if (initial === undefined) return;
    try {
      await this.#publish(initial, { ifRelease: 0, comment: 'initial', signal: this.#closing.signal });
    } catch (error) {
      if (hasCode(error, 'INVALID_CONFIG')) {
        this.#rejection = error as InvalidConfigError;
        this.#wake();
      } else if (!hasCode(error, 'CONFIG_CONFLICT')) throw error;
    }
  }

  #away(error: unknown): void {
    this.#store.logger.warn(
      { config: this.name, err: error },
      'the store does not answer; the configuration may be stale',
    );
    this.#setStale(true);
  }

  async #useSnapshot(): Promise<void> {
    if (this.#inForce || this.#rejection) return;
    const snapshot = await this.#snapshot?.read();
    const value =
      snapshot && (await validated(this.name, this.#schema, snapshot.release.document).catch(() => undefined));
    if (!snapshot || value === undefined || this.#inForce) return;
    this.#store.logger.warn({ config: this.name, release: snapshot.release.release }, 'starting from the snapshot');
    // Revision 0: whatever the store says later replaces it.
    this.#apply({ release: snapshot.release, revision: 0, value });
  }

  /** A snapshot that cannot be written is a pity, but no reason to refuse the release. */
  async #keep(release: Release, revision: number): Promise<void> {
    await this.#snapshot?.write({ release, revision }).catch((error: unknown) => {
      this.#store.logger.warn({ config: this.name, err: error }, 'the snapshot could not be written');
    });
  }

  async #report(release: number, error?: InvalidConfigError): Promise<void> {
    if (!this.#options.report) return;
    const status = error ? 'rejected' : 'applied';
    const report: InstanceReport = {
      instance: this.#instance,
      release,
      status,
      ...(error && { error: error.message }),
    };
    try {
      const { lease } = await this.#sessions.current(this.#closing.signal);
      await this.#store
        .txn()
        .do(put(this.#layout.seen(this.#instance), JSON.stringify(report), { lease }))
        .commit();
    } catch (failure) {
      this.#store.logger.warn({ config: this.name, err: failure }, 'what became of the release could not be reported');
    }
  }

  async #publish(document: unknown, options: PublishOptions, rollbackOf?: number): Promise<Release> {
    assertJson(this.name, document);
    await validated(this.name, this.#schema, document);
    const { comment, author, ifRelease } = options;
    return this.#bounded('publishing', options, (signal) =>
      this.#publisher.publish({ document, comment, author, ifRelease, rollbackOf }, signal),
    );
  }

  #known(): InForce<S> {
    if (!this.#inForce) throw new ConfigNotReadyError(this.name);
    return this.#inForce;
  }

  #setStale(stale: boolean): void {
    if (this.#stale === stale) return;
    this.#stale = stale;
    this.announce('stale', stale);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** @throws the signal's reason */
  async #somethingHappens(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        off();
        resolve();
      };
      this.#waiting.add(wake);
      const off = onAbort(signal, wake);
    });
    signal.throwIfAborted();
  }

  /** Does work within the caller's bounds and the life of this object. */
  async #bounded<R>(what: string, options: WaitOptions, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
    this.#closing.signal.throwIfAborted();
    const link = linkSignals(options.signal, this.#closing.signal);
    const { timeout } = options;
    try {
      const bounds = { signal: link.signal, ...(timeout !== undefined && { timeout }) };
      return await bounded(this.#store.clock, `${what} (config ${this.name})`, bounds, work);
    } finally {
      link.unlink();
    }
  }
}

function toChange<S extends StandardSchemaV1>(next: InForce<S>, previous: InForce<S> | undefined): ConfigChange<S> {
  const { release, author, comment } = next.release;
  return {
    release,
    current: next.value,
    ...(previous && { previous: previous.value }),
    changes: changedPaths(previous?.value, next.value),
    ...(comment !== undefined && { comment }),
    author,
  };
}

function requiredSchema<S extends StandardSchemaV1>(className: string, schema: S | undefined): S {
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidArgumentError(`${className}.schema`, schema, 'a Standard Schema, such as one of zod or valibot');
  }
  return schema;
}

function checkedHistory(history = HISTORY): number {
  if (!Number.isSafeInteger(history) || history < 1) {
    throw new InvalidArgumentError('history', history, 'a whole number from 1');
  }
  return history;
}

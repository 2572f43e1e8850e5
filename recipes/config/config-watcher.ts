import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ClosedError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { ForeignReport } from '../foreign.js';
import { Feed } from '../mirror/feed.js';
import { abortable, bounded, linkSignals, type WaitOptions } from '../wait.js';
import { type ConfigChange, type ConfigEvents, changeTo, mergeChanges, type RejectionError } from './config-change.js';
import {
  type ConfigSettings,
  configSettings,
  type ConfigWatcherOptions,
  type PublishOptions,
} from './config-options.js';
import { ConfigNotReadyError } from './errors.js';
import { Follower, type InForce, type Rejected } from './follower.js';
import { type InstanceReport, parseReports, Reporter } from './instance-reports.js';
import { Listeners } from './listeners.js';
import { ConfigLayout, type Release } from './release.js';
import { ReleaseLog } from './release-log.js';
import { assertJson, type Input, type Output, validated } from './schema.js';
import { SnapshotFile } from './snapshot-file.js';

export type { ConfigChange, ConfigEvents, ConfigWatcherOptions, InstanceReport, PublishOptions, RejectionError };

/** Changes kept for a reader that is slow, before they are merged into one. */
const CHANGES_MAX = 16;

/**
 * A configuration that reloads: a document, typed by a schema, published as a whole and seen by all who watch it.
 *
 * Guarantees: `current` is always a whole release that the schema accepted, never a mixture; a release that it does not
 * accept changes nothing; releases come into force in their order, and a later one is never followed by an earlier one.
 * Releases that follow each other quickly may be left out. `current` changes before listeners are called, and those are
 * called one after the other; what they throw is logged, and what they take is waited for by other listeners only.
 *
 * @example
 * ```ts
 * const config = new ConfigWatcher(store, { name: 'payments', schema, initial: { limits: { max: 100 } } });
 * await config.ready();
 * config.on('change', ({ changes }) => log.info(changes));
 * ```
 */
export class ConfigWatcher<S extends StandardSchemaV1 = StandardSchemaV1> implements AsyncDisposable {
  readonly name: string;
  readonly #store: Store;
  readonly #settings: ConfigSettings<S>;
  readonly #layout: ConfigLayout;
  readonly #log: ReleaseLog;
  readonly #foreignReports: ForeignReport;
  readonly #file: SnapshotFile | undefined;
  readonly #reporter: Reporter | undefined;
  readonly #follower: Follower<S>;
  readonly #listeners: Listeners<ConfigEvents<S>>;
  readonly #feed = new Feed<ConfigChange<S>>({ itemsMax: CHANGES_MAX, merge: mergeChanges });
  readonly #closing = new AbortController();
  #disposing: Promise<void> | undefined;

  /** @throws {@link InvalidArgumentError} if name or schema are missing, or an option is outside its limits */
  constructor(store: Store, given?: ConfigWatcherOptions<S>) {
    const { options, settings } = configSettings(new.target, given);
    const { initial, namespace, report, snapshot } = options;
    const config = settings.name;
    this.name = config;
    this.#store = store;
    this.#settings = settings;
    this.#layout = new ConfigLayout(namespace, config);
    this.#foreignReports = new ForeignReport(store.logger, `reports of config ${config}`);
    this.#log = new ReleaseLog(store, { config, layout: this.#layout, historyMax: settings.historyMax });
    this.#file = snapshot === undefined ? undefined : new SnapshotFile(snapshot, this.#layout.current, store.logger);
    this.#reporter = report ? new Reporter(store, this.#layout, `config ${config}`, options) : undefined;
    this.#listeners = new Listeners<ConfigEvents<S>>(store, mergeEvents);
    this.#follower = new Follower<S>(store, {
      settings,
      layout: this.#layout,
      log: this.#log,
      file: this.#file,
      initial: initial === undefined ? undefined : { document: initial },
      observer: {
        applied: (next, previous) => this.#applied(next, previous),
        rejected: (rejected) => this.#rejected(rejected),
        stale: (stale) => this.#listeners.tell('stale', stale),
      },
    });
  }

  // --- Reading ----------------------------------------------------------------------------------------------------------

  /**
   * Waits until there is a configuration: the release in force; `initial`, if nothing was published; or the snapshot, if
   * the store does not answer. From then on it is kept up to date.
   *
   * @throws {@link InvalidConfigError} if the release in force is not what the schema accepts, and there is no earlier good
   * one here; it goes on watching, so a later `ready()` may succeed
   * @throws {@link TimeoutError} or the signal's reason; {@link ClosedError} after {@link dispose}
   */
  async ready(options: WaitOptions = {}): Promise<void> {
    await this.#bounded('being ready', options, (signal) => this.#follower.untilInForce(signal));
  }

  /**
   * The configuration now in force, frozen; the same object until another one is.
   *
   * @throws {@link ConfigNotReadyError} before {@link ready}
   */
  get current(): Output<S> {
    return this.#known().current;
  }

  /** The number of the release in force. Throws as {@link current}. */
  get release(): number {
    return this.#known().release.release;
  }

  /** Whether the store has not confirmed lately that this is still the release in force. */
  get stale(): boolean {
    return this.#follower.stale;
  }

  /** The release that the store has in force and this process rejected, if that is so. */
  get rejected(): { readonly release: number; readonly error: RejectionError } | undefined {
    return this.#follower.rejected;
  }

  /**
   * Each change from this call on. Who reads slowly gets several of them as one, and none is lost. Ends when the watcher is
   * disposed.
   *
   * @throws the signal's reason
   */
  changes(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<ConfigChange<S>> {
    this.#follower.start();
    return this.#feed.read(options);
  }

  /** Calls the listener on each such event. Its promise, if it answers one, is waited for by the next listener. */
  on<E extends keyof ConfigEvents>(event: E, listener: ConfigEvents<S>[E]): this {
    this.#follower.start();
    this.#listeners.on(event, listener);
    return this;
  }

  /** As {@link on}, the next time only. */
  once<E extends keyof ConfigEvents>(event: E, listener: ConfigEvents<S>[E]): this {
    this.#follower.start();
    this.#listeners.once(event, listener);
    return this;
  }

  off<E extends keyof ConfigEvents>(event: E, listener: ConfigEvents<S>[E]): this {
    this.#listeners.off(event, listener);
    return this;
  }

  // --- Publishing -------------------------------------------------------------------------------------------------------

  /**
   * Publishes a document as the next release, for everybody. When this resolves, it is in force here, too (unless it was
   * rejected here, another one has followed, or the store has ended), and soon after everywhere.
   *
   * @throws {@link InvalidConfigError} if schema or JSON do not accept it; {@link ConfigConflictError} if another release
   * than `ifRelease` is in force; {@link TimeoutError} or the signal's reason: it may or may not have been published
   */
  async publish(next: Input<S>, options: PublishOptions = {}): Promise<Release> {
    return this.#bounded('publishing', options, (signal) => this.#publish(next, options, signal));
  }

  /**
   * Publishes the document of an earlier release again, as a new release.
   *
   * @throws {@link ReleaseNotFoundError} if the history does not have it; else as {@link publish}: a document that was good
   * once need not be what the schema accepts today
   */
  async rollback(release: number, options: PublishOptions = {}): Promise<Release> {
    const notes = { ...options, comment: options.comment ?? `rollback to release ${release}` };
    return this.#bounded('a rollback', options, async (signal) => {
      const { document } = await this.#log.find(release, signal);
      return this.#publish(document, notes, signal, release);
    });
  }

  /**
   * The releases that are kept, newest first.
   *
   * @param options - `limit`: at most so many. Default: all that are kept
   */
  async history(options: WaitOptions & { readonly limit?: number } = {}): Promise<readonly Release[]> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    return this.#bounded('reading the history', options, (signal) => this.#log.history(limit, signal));
  }

  /** What the processes with the option `report` made of which release. A process that died is gone after its TTL. */
  async instances(options: WaitOptions = {}): Promise<readonly InstanceReport[]> {
    return this.#bounded('reading reports', options, async (signal) => {
      const { kvs } = await this.#store.range(this.#layout.allSeen, { signal });
      return parseReports(kvs, this.#foreignReports);
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

  async #publish(
    document: unknown,
    { author, comment, ifRelease }: PublishOptions,
    signal: AbortSignal,
    rollbackOf?: number,
  ): Promise<Release> {
    assertJson(this.name, document);
    await abortable(validated(this.#store.clock, this.name, this.#settings.schema, document), signal);
    const published = await this.#log.publish({ document, author, comment, ifRelease, rollbackOf }, signal);
    // It is published, whoever calls the rest off.
    await abortable(this.#follower.follow(published.pointer), signal).catch(() => undefined);
    return published.release;
  }

  // --- Within -----------------------------------------------------------------------------------------------------------

  #applied(next: InForce<S>, previous: InForce<S> | undefined): void {
    this.#reporter?.report({ release: next.release.release, status: 'applied' });
    // The store confirms what the snapshot had: nothing changed.
    if (previous?.release.publicationId === next.release.publicationId) return;
    const change = changeTo<S>(next, previous);
    this.#feed.push(change);
    this.#listeners.tell('change', change);
  }

  #rejected({ release, error }: Rejected): void {
    const inForce = this.#follower.inForce?.release.release;
    this.#listeners.tell('rejected', release, error);
    this.#reporter?.report({
      release,
      status: 'rejected',
      error: error.message,
      ...(inForce !== undefined && { inForce }),
    });
  }

  #known(): InForce<S> {
    const { inForce } = this.#follower;
    if (!inForce) throw new ConfigNotReadyError(this.name);
    return inForce;
  }

  async #dispose(): Promise<void> {
    const error = new ClosedError(`config ${this.name}`);
    this.#closing.abort(error);
    this.#listeners.close();
    this.#feed.end();
    await Promise.all([this.#follower.close(error), this.#reporter?.close()]);
    await this.#file?.settled();
  }

  /** Does work within the caller's bounds and the life of this object. */
  async #bounded<R>(what: string, options: WaitOptions, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
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

function mergeEvents<S extends StandardSchemaV1, E extends keyof ConfigEvents>(
  event: E,
  older: Parameters<ConfigEvents<S>[E]>,
  newer: Parameters<ConfigEvents<S>[E]>,
): Parameters<ConfigEvents<S>[E]> {
  if (event !== 'change') return newer;
  const merged = mergeChanges([older[0], newer[0]] as readonly ConfigChange<S>[]);
  return [merged] as unknown as Parameters<ConfigEvents<S>[E]>;
}

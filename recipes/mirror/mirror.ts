import { type BytesLike, toText } from '../../core/base/bytes.js';
import { sleep, type Timer } from '../../core/base/clock.js';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { ClosedError, hasCode, InvalidArgumentError, TimeoutError, UnavailableError } from '../../core/base/errors.js';
import type { KeyRange, KeyValue } from '../../core/base/key-value.js';
import type { Prng } from '../../core/base/prng.js';
import type { Store, Target } from '../../core/store.js';
import { toRange } from '../../core/txn.js';
import { ForeignReport } from '../foreign.js';
import { abortable, bounded, type WaitOptions } from '../wait.js';
import { Backoff } from './backoff.js';
import { deferred } from './deferred.js';
import { mergeDiffs, type MirrorDiff, type MirrorEntry } from './diff.js';
import { Feed } from './feed.js';
import { listAll } from './listing.js';
import { Replica, type Verdict } from './replica.js';

const RETRY_LEAST_MS = 100;
const RETRY_MOST_MS = 5_000;
/** Probes of one `reconcile` that may find events still arriving before it lists instead. */
const PROBES_MAX = 3;
const PROBE_TIMEOUT_MS = 5_000;

export interface MirrorOptions<T> {
  /** What to copy: one key, or a range such as `prefix('svc/orders/')`. */
  readonly target: Target;
  /**
   * The value of a key; undefined for a key that does not belong here, which is then left out. May throw: the same, and the
   * log is told.
   */
  readonly decode: (kv: KeyValue) => T | undefined;
  /** After so long a silence the mirror asks the store whether it missed anything. Default '30s'. */
  readonly stall?: Duration;
  /** Keys read at once when listing. Default 500. */
  readonly pageKeys?: number;
  /** Diffs kept for a slow reader of {@link Mirror.changes} before they are merged into one. Default 64. */
  readonly diffsMax?: number;
  /** Chance for the pauses between attempts. */
  readonly prng?: Prng;
}

/** Called at once, in order, before anything that awaits. What they throw is logged and goes no further. */
export interface MirrorObserver<T> {
  readonly diff?: (diff: MirrorDiff<T>) => void;
  /** The store does not answer; what the mirror has is the last it knew. */
  readonly stale?: (cause: unknown) => void;
  /** The store answers again, or for the first time. */
  readonly live?: () => void;
  /** The mirror ended for good, by this error: the store is closed, or refuses the range. */
  readonly failed?: (error: unknown) => void;
}

/**
 * A live copy of a range: listed in pages at one revision, then watched from the next. After a compaction it lists again
 * and tells the difference; after a broken connection it resumes where it was; when nothing arrives for long it asks
 * whether that is because nothing happened. While the store does not answer, the last known state stays readable and
 * {@link Mirror.stale} says so.
 *
 * Starts with the first call that needs it. Close it when done.
 */
export class Mirror<T> implements AsyncDisposable {
  readonly #store: Store;
  readonly #target: KeyRange;
  readonly #stallMs: number;
  readonly #pageKeys: number;
  readonly #backoff: Backoff;
  readonly #feed: Feed<MirrorDiff<T>>;
  readonly #observers = new Set<MirrorObserver<T>>();
  readonly #stop = new AbortController();
  readonly #replica: Replica<T>;

  #confirmedAtMs: number | undefined;
  #freshness: 'unknown' | 'live' | 'stale' = 'unknown';
  #phase: 'listing' | 'watching' | 'pausing' = 'listing';
  #mustList = true;
  #listed = deferred();
  #isReady = false;
  #behindAtRevision: number | undefined;
  #attempt = new AbortController();
  #watchdog: Timer | undefined;
  #running: Promise<void> | undefined;

  /** @throws {@link InvalidArgumentError} if an option is out of its range */
  constructor(store: Store, options: MirrorOptions<T>) {
    this.#store = store;
    this.#target = toRange(options.target);
    const foreign = new ForeignReport(store.logger, `mirror of ${toText(this.#target.key)}`);
    this.#replica = new Replica(options.decode, (key, error) => foreign.found(key, error));
    this.#stallMs = toMilliseconds(options.stall ?? '30s', 'stall');
    this.#pageKeys = atLeastOne(options.pageKeys ?? 500, 'pageKeys');
    this.#backoff = new Backoff({ leastMs: RETRY_LEAST_MS, mostMs: RETRY_MOST_MS, prng: options.prng ?? store.prng });
    this.#feed = new Feed({ itemsMax: atLeastOne(options.diffsMax ?? 64, 'diffsMax'), merge: mergeDiffs });
  }

  /** The state is that of this revision, 0 before the first listing. It can be newer: see {@link Mirror.reconcile}. */
  get revision(): number {
    return this.#replica.revision;
  }

  /** Whether the state may be old because the store does not answer, or did not yet. */
  get stale(): boolean {
    return this.#freshness !== 'live';
  }

  /** Milliseconds since the store last confirmed the state; undefined if it never did. */
  get confirmedAgoMs(): number | undefined {
    return this.#confirmedAtMs === undefined ? undefined : this.#store.clock.now() - this.#confirmedAtMs;
  }

  /** Every entry, in key order. */
  entries(): readonly MirrorEntry<T>[] {
    return this.#replica.entries();
  }

  get(key: BytesLike): MirrorEntry<T> | undefined {
    return this.#replica.get(key);
  }

  /** Begins copying, if nothing else has made it begin. Answers at once; {@link Mirror.ready} waits. */
  start(): void {
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#run();
  }

  /**
   * Waits for the first listing.
   *
   * @throws {@link TimeoutError} after `timeout`; the mirror goes on trying
   * @throws {@link ClosedError} if the mirror or the store is closed
   */
  async ready(options: WaitOptions = {}): Promise<void> {
    this.start();
    if (this.#isReady) return;
    const { promise } = this.#listed;
    await bounded(this.#store.clock, 'the first listing', options, (signal) => abortable(promise, signal));
  }

  /**
   * Waits until the state is at least as new as the store was when this was called. The watch makes this needless
   * unless an answer must not be older than something that the caller knows.
   *
   * @throws {@link UnavailableError} and others of the read; the state is as it was
   */
  async reconcile(options: WaitOptions = {}): Promise<void> {
    await bounded(this.#store.clock, 'comparing with the store', options, async (signal) => {
      await this.ready({ signal });
      for (let probe = 0; probe < PROBES_MAX; probe += 1) {
        const found = await this.#probe(signal);
        if (found === 'agrees') return;
        if (found !== 'moving') break;
      }
      await abortable(this.#listAgain(), signal);
    });
  }

  /**
   * How the state changes, from the moment the loop begins. A reader that keeps up gets one diff for every revision or
   * more; a slow one gets merged diffs, never more than it can hold.
   *
   * @param options - `present`: first gives the state as it is, everything `added` and possibly nothing. `signal`: an
   * abort rejects with its reason
   */
  changes(options: { readonly signal?: AbortSignal; readonly present?: boolean } = {}): AsyncIterable<MirrorDiff<T>> {
    this.start();
    const { signal } = options;
    return {
      [Symbol.asyncIterator]: () => (options.present ? this.#fromPresent(signal) : this.#feed.read({ signal })),
    };
  }

  /** Calls the observer at once whenever something happens; the answer ends that. */
  observe(observer: MirrorObserver<T>): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Ends the copying and every reader. What was copied stays readable. Idempotent. */
  async close(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort();
      this.#attempt.abort();
      this.#watchdog?.cancel();
      this.#freshness = 'stale';
      this.#listed.reject(new ClosedError('the mirror'));
      this.#feed.end();
    }
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#fromPresent(signal: AbortSignal | undefined): AsyncGenerator<MirrorDiff<T>> {
    await this.ready(signal ? { signal } : {});
    const changes = this.entries().map((current) => ({ type: 'added', key: current.key, current }) as const);
    yield* this.#feed.read({ signal, first: { revision: this.revision, changes } });
  }

  // --- The loop: list where it must, then follow; come back here after whatever ended that ---------------------------

  async #run(): Promise<void> {
    this.#armWatchdog();
    while (!this.#stop.signal.aborted) {
      this.#attempt = new AbortController();
      try {
        if (this.#mustList) await this.#list();
        await this.#follow();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        // An attempt that was called off has been accounted for by whoever called it off.
        if (this.#attempt.signal.aborted) continue;
        if (isFinal(error)) return this.#fail(error);
        await this.#recover(error);
      }
    }
  }

  async #list(): Promise<void> {
    this.#phase = 'listing';
    const { revision, kvs } = await listAll(this.#store, this.#target, {
      pageKeys: this.#pageKeys,
      signal: this.#attempt.signal,
      onPage: () => this.#confirm(),
    });
    if (revision < this.revision) this.#warn({ revision, before: this.revision }, 'the store went back in time');
    this.#mustList = false;
    this.#isReady = true;
    this.#publish(this.#replica.become(revision, kvs));
    this.#confirm();
    const listed = this.#listed;
    this.#listed = deferred();
    listed.resolve();
  }

  async #follow(): Promise<void> {
    this.#phase = 'watching';
    const { signal } = this.#attempt;
    const stream = this.#store.watch(this.#target, { from: this.revision + 1, progress: true, signal });
    stream.created.then(
      () => this.#confirm(),
      () => undefined, // The loop below throws the same.
    );
    for await (const batch of stream) {
      this.#backoff.reset();
      this.#publish(this.#replica.take(batch));
      this.#confirm();
    }
    if (!signal.aborted) throw new UnavailableError('the watch ended without a reason');
  }

  #publish(diff: MirrorDiff<T> | undefined): void {
    if (!diff) return;
    this.#tell((observer) => observer.diff?.(diff));
    this.#feed.push(diff);
  }

  async #recover(error: unknown): Promise<void> {
    const wasCompacted = hasCode(error, 'COMPACTED');
    this.#mustList ||= wasCompacted;
    if (wasCompacted && this.#phase === 'watching') return;
    if (!wasCompacted) this.#markStale(error);
    this.#phase = 'pausing';
    const pauseMs = this.#backoff.nextMs();
    if (pauseMs > 0) await sleep(this.#store.clock, pauseMs, this.#stop.signal).catch(() => undefined);
  }

  /** The error is one that trying again will not cure. */
  #fail(error: unknown): void {
    this.#markStale(error);
    this.#watchdog?.cancel();
    this.#stop.abort();
    this.#listed.reject(error);
    this.#tell((observer) => observer.failed?.(error));
    this.#feed.end(error);
  }

  // --- Whether the store still answers --------------------------------------------------------------------------------

  #confirm(): void {
    this.#confirmedAtMs = this.#store.clock.now();
    if (this.#mustList || this.#freshness === 'live' || this.#stop.signal.aborted) return;
    this.#freshness = 'live';
    this.#tell((observer) => observer.live?.());
  }

  #markStale(cause: unknown): void {
    if (this.#freshness === 'stale') return;
    this.#freshness = 'stale';
    this.#warn({ error: cause }, 'the store does not answer: the state may be old from now on');
    this.#tell((observer) => observer.stale?.(cause));
  }

  #armWatchdog(): void {
    if (this.#stop.signal.aborted) return;
    const patienceMs = this.#freshness === 'stale' ? Math.min(this.#stallMs, RETRY_MOST_MS) : this.#stallMs;
    const leftMs = patienceMs - (this.confirmedAgoMs ?? 0);
    const waitMs = leftMs > 0 ? leftMs : patienceMs;
    this.#watchdog = this.#store.clock.after(waitMs, () => {
      void this.#checkSilence(patienceMs).then(() => this.#armWatchdog());
    });
  }

  /** Silence is either peace or loss; only the store can say which. */
  async #checkSilence(patienceMs: number): Promise<void> {
    const silentMs = this.confirmedAgoMs ?? Number.POSITIVE_INFINITY;
    if (silentMs < patienceMs || this.#phase === 'pausing') return;
    if (this.#phase === 'listing') {
      this.#markStale(new TimeoutError('listing the range', patienceMs));
      return this.#attempt.abort();
    }
    const wasStale = this.#freshness === 'stale';
    const beforeRevision = this.revision;
    const found = await this.#probeOrMarkStale();
    if (found === 'behind') this.#resume({ listing: this.#behindAtRevision === beforeRevision });
    else if (found === 'replaced') this.#resume({ listing: true });
    // Whatever carried the watch may have died with what silenced the store.
    else if (found === 'agrees' && wasStale) this.#resume({ listing: false });
    this.#behindAtRevision = found === 'behind' ? beforeRevision : undefined;
  }

  async #probeOrMarkStale(): Promise<Verdict | 'moving' | undefined> {
    const limit = new AbortController();
    const timer = this.#store.clock.after(PROBE_TIMEOUT_MS, () =>
      limit.abort(new TimeoutError('asking the store', PROBE_TIMEOUT_MS)),
    );
    try {
      return await this.#probe(limit.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#markStale(error);
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  async #probe(signal: AbortSignal): Promise<Verdict | 'moving'> {
    const ours = this.revision;
    const answer = await this.#store.range(this.#target, {
      minModRevision: ours + 1,
      limit: 1,
      keysOnly: true,
      signal,
    });
    if (this.revision !== ours) return this.revision >= answer.revision ? 'agrees' : 'moving';
    const verdict = this.#replica.judge(answer);
    if (verdict !== 'agrees') return verdict;
    // A listing under way is of an earlier revision than this, and would seem to go back.
    if (this.#phase === 'watching') this.#replica.confirm(answer.revision);
    this.#backoff.reset();
    this.#confirm();
    return verdict;
  }

  /** Ends the present attempt, so that the loop begins the next at once. */
  #resume(options: { readonly listing: boolean }): void {
    this.#mustList ||= options.listing;
    this.#attempt.abort();
  }

  async #listAgain(): Promise<void> {
    // A listing under way may have begun before this call and then proves nothing; another follows it.
    if (this.#phase === 'listing') await this.#listed.promise;
    const { promise } = this.#listed;
    this.#resume({ listing: true });
    await promise;
  }

  // --- Others -----------------------------------------------------------------------------------------------------------

  #tell(call: (observer: MirrorObserver<T>) => void): void {
    for (const observer of this.#observers) {
      try {
        call(observer);
      } catch (error) {
        this.#warn({ error }, 'an observer of a mirror threw');
      }
    }
  }

  #warn(fields: object, message: string): void {
    this.#store.logger.warn({ range: toText(this.#target.key), ...fields }, message);
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof InvalidArgumentError || hasCode(error, 'CLOSED') || hasCode(error, 'MEMBER_STOPPED');
}

function atLeastOne(count: number, field: string): number {
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError(field, count, 'a whole number from 1');
  return count;
}

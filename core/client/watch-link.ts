import { checkRevision } from '../base/arguments.js';
import { EMPTY_BYTES } from '../base/bytes.js';
import { sleep, type Timer } from '../base/clock.js';
import { ClosedError, TooManyRequestsError, UnavailableError } from '../base/errors.js';
import { EventLoopHold } from '../base/event-loop-hold.js';
import type { KeyRange } from '../base/key-value.js';
import { fromEventMessage, revisionOf } from '../rpc/convert-results.js';
import { meaningOf } from '../rpc/errors.js';
import { type WatchRequest, type WatchResponse, WatchService } from '../rpc/gen/watch.js';
import type { WatchOptions } from '../store.js';
import { CallFailure } from './call-failure.js';
import type { DuplexStream } from './channel.js';
import type { Connection } from './connection.js';
import type { EndpointPool } from './endpoint-pool.js';
import { explain } from './explain.js';
import { deadlineAfter } from './patient-timer.js';
import { ServerWatch } from './server-watch.js';
import { backoffMs, type ClientSettings } from './settings.js';
import { WatchGroups } from './watch-groups.js';
import { type Carrier, Watcher } from './watcher.js';

const NO_KEY: KeyRange = { key: EMPTY_BYTES };
/** A question that changes nothing and that every state of the stream answers: a range which holds no key. */
const PROBE = { key: Buffer.of(1), rangeEnd: Buffer.of(1) };

/** Tokens that are got in a row because none is taken. */
const RENEWALS_MAX = 3;

interface Stream {
  readonly connection: Connection;
  /** With which it was opened. */
  readonly token: string | undefined;
  readonly wire: DuplexStream<WatchRequest, WatchResponse>;
  readonly watches: Map<bigint, ServerWatch>;
  readonly ids: Map<ServerWatch, bigint>;
  /** What was asked to be created and has not been answered, oldest first: the answers come in that order. */
  readonly asked: { readonly watchId: bigint; readonly isProbe: boolean; readonly atMs: number }[];
  lastId: bigint;
  lastHeardMs: number;
}

/**
 * All watches of a store, over one stream on the connection in use. When the stream is lost, each watch is taken up on
 * the next one at the revision it had reached. A stream that is silent is asked whether it still listens, so that a
 * member which hangs, or a connection that only seems open, is noticed.
 */
export class WatchLink implements Carrier {
  readonly #pool: EndpointPool;
  readonly #settings: ClientSettings;
  readonly #closing = new AbortController();
  readonly #loop: EventLoopHold;
  readonly #watchers = new Set<Watcher>();
  /** By which watch of the server each is served. */
  readonly #homes = new Map<Watcher, ServerWatch>();
  readonly #groups: WatchGroups;
  /** Those that wait for a stream. */
  readonly #detached = new Set<ServerWatch>();
  #stream: Stream | undefined;
  #isOpening = false;
  #failures = 0;
  /** How often a new token was got since a watch last began. */
  #renewals = 0;
  #timer: Timer | undefined;

  constructor(pool: EndpointPool, settings: ClientSettings) {
    this.#pool = pool;
    this.#settings = settings;
    this.#loop = new EventLoopHold(settings.clock);
    this.#groups = new WatchGroups(settings.watchSharersMax);
  }

  /** Begins a watch. What goes wrong, the watch says; `target` may throw. */
  watch(target: () => KeyRange, options: WatchOptions): Watcher {
    const { watchBufferEventsMax, watchBufferBytesMax } = this.#settings;
    const bounds = { eventsMax: watchBufferEventsMax, bytesMax: watchBufferBytesMax };
    const begun = this.#begun(target, options);
    const watcher = new Watcher('range' in begun ? begun.range : NO_KEY, options, bounds, this);
    if ('error' in begun) watcher.fail(begun.error);
    else {
      this.#watchers.add(watcher);
      this.#loop.hold();
      this.attach(watcher);
    }
    return watcher;
  }

  close(): void {
    this.#closing.abort(new ClosedError());
    for (const watcher of [...this.#watchers]) watcher.fail(new ClosedError());
    if (this.#stream) this.#drop(this.#stream);
  }

  /** The range to watch, or why a watch cannot even begin. */
  #begun(target: () => KeyRange, { from, signal }: WatchOptions): { range: KeyRange } | { error: unknown } {
    const { watchersMax } = this.#settings;
    try {
      signal?.throwIfAborted();
      if (this.#closing.signal.aborted) throw new ClosedError();
      checkRevision(from, 'from');
      if (this.#watchers.size >= watchersMax) throw new TooManyRequestsError('watches', watchersMax);
      return { range: target() };
    } catch (error) {
      return { error };
    }
  }

  // --- What watchers ask --------------------------------------------------------------------------------------------

  attach(watcher: Watcher): void {
    const home = new ServerWatch(watcher);
    this.#homes.set(watcher, home);
    this.#detached.add(home);
    if (this.#stream) this.#createNext(this.#stream);
    else this.#open();
  }

  detach(watcher: Watcher): void {
    const home = this.#homes.get(watcher);
    this.#homes.delete(watcher);
    home?.remove(watcher);
    if (home?.memberCount === 0) this.#letGo(home);
  }

  ended(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#loop.release();
    this.detach(watcher);
    if (this.#watchers.size === 0 && this.#stream) this.#drop(this.#stream);
  }

  // --- Sharing ------------------------------------------------------------------------------------------------------

  /** It has come further, so its watchers may now be served by another one of its kind. */
  #share(watch: ServerWatch): void {
    const home = watch.memberCount > 0 ? this.#groups.homeOf(watch) : undefined;
    if (!home) return;
    for (const watcher of home.takeAll(watch)) this.#homes.set(watcher, home);
    this.#settings.logger.debug({ watchers: home.memberCount }, 'watchers of the same keys share a watch');
    this.#letGo(watch);
  }

  /** Nobody is served by it any more. */
  #letGo(watch: ServerWatch): void {
    this.#groups.delete(watch);
    this.#detached.delete(watch);
    const stream = this.#stream;
    const watchId = stream?.ids.get(watch);
    if (!stream || watchId === undefined) return;
    forget(stream, watch);
    stream.wire.write({ requestUnion: { $case: 'cancelRequest', cancelRequest: { watchId } } });
  }

  // --- The stream -----------------------------------------------------------------------------------------------

  #open(): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    void this.#opened().finally(() => {
      this.#isOpening = false;
      if (!this.#stream && this.#detached.size > 0 && !this.#closing.signal.aborted) this.#open();
    });
  }

  async #opened(): Promise<void> {
    const { clock } = this.#settings;
    const { signal } = this.#closing;
    try {
      if (this.#failures > 0) await sleep(clock, backoffMs(this.#settings, this.#failures), signal);
      const connection = await this.#pool.connection(signal);
      await this.#settings.session?.ready(connection);
      if (this.#detached.size > 0) this.#begin(connection);
    } catch (thrown) {
      this.#failures += 1;
      const isRefused = thrown instanceof CallFailure && thrown.kind === 'refused' && !thrown.isPassing;
      if (thrown instanceof CallFailure && !isRefused) return;
      const error = thrown instanceof CallFailure ? toError(thrown) : thrown;
      // A watch that is under way outlives any outage, if not that its user is refused; one that never began says so.
      for (const watch of [...this.#detached]) if (isRefused || !watch.isCreated) watch.fail(error);
    }
  }

  #begin(connection: Connection): void {
    const stream: Stream = {
      connection,
      token: this.#settings.session?.token,
      wire: connection.stream(WatchService.watch),
      watches: new Map(),
      ids: new Map(),
      asked: [],
      lastId: 0n,
      lastHeardMs: this.#settings.clock.now(),
    };
    this.#stream = stream;
    stream.wire.on('data', (response: WatchResponse) => this.#received(stream, response));
    stream.wire.on('error', (error: Error) => this.#lost(stream, connection.toFailure(error)));
    stream.wire.on('end', () => this.#lost(stream, CallFailure.lost(`${connection.name} ended the watch stream`)));
    this.#createNext(stream);
    this.#schedule(stream);
  }

  /** As many as may be unanswered at one time: a member that takes over thousands of watches is not flooded with them. */
  #createNext(stream: Stream): void {
    for (const watch of this.#detached) {
      if (stream.asked.length >= this.#settings.watchCreationsMax) return;
      this.#detached.delete(watch);
      this.#create(stream, watch);
    }
  }

  #create(stream: Stream, watch: ServerWatch): void {
    const watchId = this.#ask(stream, false);
    stream.watches.set(watchId, watch);
    stream.ids.set(watch, watchId);
    stream.wire.write({ requestUnion: { $case: 'createRequest', createRequest: watch.toMessage(watchId) } });
  }

  /** Ids are never used twice on a stream, so that what still comes for a watch that was let go finds nobody. */
  #ask(stream: Stream, isProbe: boolean): bigint {
    stream.lastId += 1n;
    stream.asked.push({ watchId: stream.lastId, isProbe, atMs: this.#settings.clock.now() });
    // It was to be looked at when it had been idle for long; now it owes an answer.
    if (stream.asked.length === 1) this.#schedule(stream);
    return stream.lastId;
  }

  #received(stream: Stream, response: WatchResponse): void {
    if (stream !== this.#stream) return;
    stream.lastHeardMs = this.#settings.clock.now();
    this.#failures = 0;
    if (response.created) return this.#created(stream, response);
    const watch = stream.watches.get(response.watchId);
    if (!watch) return;
    if (response.events.length > 0) this.#deliver(watch, response);
    else if (!response.canceled) watch.onProgress(revisionOf(response.header));
    if (response.canceled) this.#cancelled(stream, watch, response);
    else this.#share(watch);
  }

  #deliver(watch: ServerWatch, response: WatchResponse): void {
    try {
      watch.onEvents(response.events.map(fromEventMessage), response.fragment);
    } catch (error) {
      watch.fail(error);
    }
  }

  /** etcd answers a creation that failed without its id; so the order tells whose answer this is. */
  #created(stream: Stream, response: WatchResponse): void {
    const asked = stream.asked.shift();
    if (!asked) return;
    this.#createNext(stream);
    if (asked.isProbe) {
      this.#alive(stream);
      if (response.canceled) return;
      const cancelRequest = { watchId: response.watchId };
      stream.wire.write({ requestUnion: { $case: 'cancelRequest', cancelRequest } });
      return;
    }
    if (!response.canceled && response.watchId !== asked.watchId) {
      return this.#lost(
        stream,
        CallFailure.lost(`${stream.connection.name} answered another watch than was asked for`),
      );
    }
    const watch = stream.watches.get(asked.watchId);
    if (!watch) return;
    if (response.canceled) return this.#cancelled(stream, watch, response);
    this.#renewals = 0;
    watch.onCreated(revisionOf(response.header));
    this.#share(watch);
  }

  #alive(stream: Stream): void {
    for (const watch of stream.watches.values()) watch.onAlive();
  }

  #cancelled(stream: Stream, watch: ServerWatch, response: WatchResponse): void {
    const { compactRevision, cancelReason } = response;
    if (compactRevision === 0 && cancelReason === '') {
      // A member that lets its watches go without a reason is going away itself.
      return this.#lost(stream, CallFailure.lost(`${stream.connection.name} let a watch go`));
    }
    if (compactRevision > 0) {
      this.#forgetAll(stream, watch);
      for (const watcher of watch.onCompacted(compactRevision)) this.attach(watcher);
      return;
    }
    const failure = failureOf(cancelReason);
    if (this.#mayRenewToken(failure)) return this.#renewToken(stream, failure);
    this.#forgetAll(stream, watch);
    watch.fail(toError(failure));
  }

  /** The server has let it go. */
  #forgetAll(stream: Stream, watch: ServerWatch): void {
    forget(stream, watch);
    this.#groups.delete(watch);
  }

  /** Not again before a watch has begun: a member that takes no token at all is not asked for ever. */
  #mayRenewToken(failure: CallFailure): boolean {
    return this.#settings.session?.mayHelp(failure) === true && this.#renewals < RENEWALS_MAX;
  }

  /** All watches go to a new stream, which carries a new token. */
  #renewToken(stream: Stream, failure: CallFailure): void {
    const { session } = this.#settings;
    session?.forget(stream.token);
    this.#renewals += 1;
    this.#lost(stream, CallFailure.notSent(failure.message, { cause: failure }));
  }

  /** The stream is gone: everything on it waits for the next one, unless the server will have none of it. */
  #lost(stream: Stream, failure: CallFailure): void {
    if (stream !== this.#stream) return;
    this.#settings.logger.debug({ endpoint: stream.connection.name, why: failure.message }, 'watch stream lost');
    this.#drop(stream);
    this.#failures += 1;
    for (const watch of stream.watches.values()) {
      watch.onLost();
      if (failure.kind === 'refused' && !failure.isPassing) watch.fail(toError(failure));
      else if (watch.memberCount > 0) this.#detached.add(watch);
    }
    if (failure.isSick && failure.text !== undefined) this.#pool.leave(stream.connection, failure);
    if (this.#detached.size > 0) this.#open();
  }

  #drop(stream: Stream): void {
    this.#stream = undefined;
    this.#timer?.cancel();
    stream.wire.cancel();
  }

  // --- Silence ----------------------------------------------------------------------------------------------------

  #schedule(stream: Stream): void {
    const { clock } = this.#settings;
    this.#timer?.cancel();
    this.#timer = deadlineAfter(clock, Math.max(1, this.#dueMs(stream) - clock.now()), () => {
      if (stream !== this.#stream) return;
      this.#listen(stream);
      if (stream === this.#stream) this.#schedule(stream);
    });
  }

  /** When to look at the stream next. */
  #dueMs(stream: Stream): number {
    const { clock, suspectMs, watchIdleMs, watchAckTimeoutMs } = this.#settings;
    if (!stream.asked[0]) return Math.min(stream.lastHeardMs, clock.now()) + watchIdleMs;
    const silentSince = silentSinceMs(stream);
    const suspectAtMs = silentSince + suspectMs;
    if (clock.now() < suspectAtMs) return suspectAtMs;
    return Math.min(silentSince + watchAckTimeoutMs, clock.now() + suspectMs);
  }

  #listen(stream: Stream): void {
    const { clock, suspectMs, watchIdleMs, watchAckTimeoutMs } = this.#settings;
    const nowMs = clock.now();
    if (stream.asked.length > 0) {
      const silentSince = silentSinceMs(stream);
      if (nowMs - silentSince >= watchAckTimeoutMs) return this.#unanswered(stream, silentSince);
      if (nowMs - silentSince >= suspectMs) this.#pool.suspect(stream.connection);
    } else if (nowMs - stream.lastHeardMs >= watchIdleMs) this.#probe(stream);
    else this.#alive(stream);
  }

  #unanswered(stream: Stream, silentSince: number): void {
    const { connection } = stream;
    this.#lost(stream, CallFailure.lost(`${connection.name} left the watch stream unanswered`));
    connection.closeIfSilentSince(silentSince);
  }

  #probe(stream: Stream): void {
    const watchId = this.#ask(stream, true);
    stream.wire.write({
      requestUnion: {
        $case: 'createRequest',
        createRequest: {
          ...PROBE,
          startRevision: 0n,
          progressNotify: false,
          filters: [],
          prevKv: false,
          watchId,
          fragment: false,
        },
      },
    });
  }
}

/** etcd sends some reasons as Go prints errors. */
function failureOf(reason: string): CallFailure {
  const [, text = reason] = /^rpc error: code = \w+ desc = (.*)$/s.exec(reason) ?? [];
  return new CallFailure('refused', text, false, { text, meaning: meaningOf(text) });
}

function toError(failure: CallFailure): Error {
  return explain(failure, { what: 'watch' }) ?? new UnavailableError(failure.message, { cause: failure });
}

/** Since when an answer is owed and nothing has come. */
function silentSinceMs({ asked, lastHeardMs }: Stream): number {
  return Math.max(asked[0]?.atMs ?? 0, lastHeardMs);
}

function forget(stream: Stream, watch: ServerWatch): void {
  const watchId = stream.ids.get(watch);
  stream.ids.delete(watch);
  if (watchId !== undefined) stream.watches.delete(watchId);
}

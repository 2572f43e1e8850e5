import { compareBytes } from '../base/bytes.js';
import type { Clock, Timer } from '../base/clock.js';
import { TooManyRequestsError } from '../base/errors.js';
import { isOpenEnded } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import { fromRangeFields } from './convert-requests.js';
import { toEventMessage } from './convert-results.js';
import { callerReasonOf, ERRORS, toWireError, WATCH_REASONS } from './errors.js';
import {
  type WatchCreateRequest,
  WatchCreateRequest_FilterType as Filter,
  type WatchRequest,
  type WatchResponse,
} from './gen/watch.js';
import { fromInt64 } from './int64.js';
import { headerOf, type PortWatcher, type WatchPort } from './ports.js';
import { cutIntoFragments, type Fragment } from './watch-fragments.js';

/** The bounds of one stream. */
export interface WatchLimits {
  /** Watches that one stream may have. One more is refused with "too many requests". */
  readonly watchersPerStreamMax: number;
  /** Bytes that were given to the transport and are not sent; past them events stay in the member. */
  readonly streamBufferBytesMax: number;
  /** Milliseconds between the progress notifications of a watch to which nothing happens. */
  readonly watchProgressNotifyMs: number;
  /** Bytes of one message of events. */
  readonly watchMessageBytesMax: number;
}

/** Where a session's messages go. */
export interface WatchOutput {
  /** Sends a message; `sent` is called once it has left, and the next may be given. */
  send(response: WatchResponse, sent: () => void): void;
  /** The stream cannot go on. */
  fail(error: unknown): void;
}

/** etcd's id of no watch: in what is not about one, or about one that could not begin. */
const NO_WATCH = -1n;
/** The first key that can be: what etcd takes an empty key for. */
const FIRST_KEY = Buffer.of(0);
/** Answers to requests that wait to be sent. When there are more, no more requests are read. */
const ANSWERS_MAX = 256;
/** Events of several revisions that come in one message: to whom much is to be told, it is told in few of them. */
const MESSAGE_EVENTS_MAX = 256;
/** What a message without events takes, roughly. */
const ANSWER_BYTES = 64;

interface Watch {
  readonly id: bigint;
  readonly watcher: PortWatcher;
  readonly mayFragment: boolean;
  readonly wantsProgress: boolean;
  /** It filters out every event there is. */
  readonly isMute: boolean;
  /** Whether anything was sent since the last tick of the progress timer. */
  hasSent: boolean;
}

/**
 * One stream of etcd's Watch service over a member, whatever carries its messages: creations, cancellations and
 * requests for progress come in, answers and events go out. Events are taken from the member only while the transport
 * takes them, so a client that does not read costs no more than one buffer.
 */
export class WatchSession {
  readonly #port: WatchPort;
  readonly #limits: WatchLimits;
  readonly #output: WatchOutput;
  readonly #clock: Clock;
  readonly #watches = new Map<bigint, Watch>();
  /** Watches that may have something to take, in turn. */
  readonly #ready = new Set<Watch>();
  readonly #answers: WatchResponse[] = [];
  /** What was taken from a watch and not yet sent. */
  #rest: { readonly watch: Watch; readonly revision: number; readonly fragments: Fragment[] } | undefined;
  #nextId = 0n;
  #unsentBytes = 0;
  #progressTimer: Timer | undefined;
  #isClosed = false;
  #isPumping = false;
  #onCaughtUp: (() => void) | undefined;

  constructor(port: WatchPort, clock: Clock, limits: WatchLimits, output: WatchOutput) {
    this.#port = port;
    this.#clock = clock;
    this.#limits = limits;
    this.#output = output;
  }

  handle({ requestUnion }: WatchRequest): void {
    if (this.#isClosed) return;
    switch (requestUnion?.$case) {
      case 'createRequest':
        this.#create(requestUnion.createRequest);
        break;
      case 'cancelRequest':
        this.#cancel(requestUnion.cancelRequest.watchId);
        break;
      case 'progressRequest':
        this.#progress();
        break;
      case undefined:
        break;
    }
    this.#pump();
  }

  /** Whether nothing is left to be sent, and nothing will be unless it is asked for. */
  get isIdle(): boolean {
    return this.#watches.size === 0 && this.#answers.length === 0 && this.#rest === undefined;
  }

  /** Whether no more requests should be read for now; `whenCaughtUp` is called when they may. */
  isBehind(whenCaughtUp: () => void): boolean {
    if (this.#answers.length < ANSWERS_MAX) return false;
    this.#onCaughtUp = whenCaughtUp;
    return true;
  }

  /** Ends all watches. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#progressTimer?.cancel();
    for (const { watcher } of this.#watches.values()) watcher.cancel();
    this.#watches.clear();
    this.#ready.clear();
    this.#answers.length = 0;
    this.#rest = undefined;
  }

  // --- Requests -----------------------------------------------------------------------------------------------------

  #create(request: WatchCreateRequest): void {
    const key = request.key.length === 0 ? FIRST_KEY : request.key;
    const target = fromRangeFields({ key, rangeEnd: request.rangeEnd });
    const refusal = this.#refusal(request, target);
    if (refusal !== undefined) return this.#answer({ created: true, canceled: true, cancelReason: refusal });
    const id = this.#idFor(request.watchId);
    const watch = this.#begin(id, request, target);
    if (watch === undefined) return;
    this.#watches.set(id, watch);
    if (request.watchId === 0n) this.#nextId = id + 1n;
    this.#answer({ watchId: id, created: true });
    // What was ready while it began is not lost: the first look at it comes after this answer.
    this.#ready.add(watch);
    if (watch.wantsProgress) this.#startProgressTimer();
  }

  #begin(id: bigint, request: WatchCreateRequest, target: KeyRange): Watch | undefined {
    const from = fromInt64(request.startRevision);
    const noPut = request.filters.includes(Filter.NOPUT);
    const noDelete = request.filters.includes(Filter.NODELETE);
    let watch: Watch | undefined = undefined;
    const onReady = () => {
      if (!watch || !this.#watches.has(id)) return;
      this.#ready.add(watch);
      this.#pump();
    };
    try {
      const watcher = this.#port.watch(
        {
          target,
          ...(from > 0 && { from }),
          ...(request.prevKv && { previous: true }),
          ...(noPut !== noDelete && { only: noPut ? ('delete' as const) : ('put' as const) }),
        },
        onReady,
      );
      watch = {
        id,
        watcher,
        mayFragment: request.fragment,
        wantsProgress: request.progressNotify,
        isMute: noPut && noDelete,
        hasSent: false,
      };
    } catch (error) {
      const cancelReason = callerReasonOf(error);
      if (cancelReason === undefined) this.#output.fail(error);
      else this.#answer({ created: true, canceled: true, cancelReason });
    }
    return watch;
  }

  /** The reason, in etcd's words, for which a watch cannot begin. */
  #refusal(request: WatchCreateRequest, { key, end }: KeyRange): string | undefined {
    const { watchersPerStreamMax } = this.#limits;
    if (request.startRevision < 0n) return ERRORS.COMPACTED.text;
    if (end && !isOpenEnded(end) && compareBytes(key, end) >= 0) return WATCH_REASONS.emptyRange;
    if (request.watchId !== 0n && this.#watches.has(request.watchId)) return WATCH_REASONS.duplicateId;
    if (this.#watches.size < watchersPerStreamMax) return undefined;
    return toWireError(new TooManyRequestsError('watches on this stream', watchersPerStreamMax)).text;
  }

  /** One that is not named gets the next free one; it is used up only once the watch has begun. */
  #idFor(wanted: bigint): bigint {
    if (wanted !== 0n) return wanted;
    let id = this.#nextId;
    while (this.#watches.has(id)) id += 1n;
    return id;
  }

  /** One that is not there is not answered. */
  #cancel(id: bigint): void {
    const watch = this.#watches.get(id);
    if (!watch) return;
    this.#drop(watch);
    this.#answer({ watchId: id, canceled: true });
  }

  /** Answered only if nothing is under way to any watch: then every later event has a later revision. */
  #progress(): void {
    const watches = [...this.#watches.values()];
    if (watches.length === 0 || this.#rest || !watches.every(isUpToDate)) return;
    const revision = Math.min(...watches.map(({ watcher }) => watcher.revision));
    this.#answer({ header: headerOf(this.#port, revision) });
  }

  // --- Progress by the clock ------------------------------------------------------------------------------------------

  #startProgressTimer(): void {
    if (this.#progressTimer) return;
    this.#progressTimer = this.#clock.after(this.#limits.watchProgressNotifyMs, () => {
      this.#progressTimer = undefined;
      this.#notifyProgress();
      if ([...this.#watches.values()].some(({ wantsProgress }) => wantsProgress)) this.#startProgressTimer();
    });
  }

  #notifyProgress(): void {
    // A stream that takes nothing needs no news of nothing.
    const isBlocked = this.#answers.length > 0 || this.#rest !== undefined;
    for (const watch of this.#watches.values()) {
      if (watch.wantsProgress && !watch.hasSent && !isBlocked && isUpToDate(watch)) {
        this.#answer({ watchId: watch.id, header: headerOf(this.#port, watch.watcher.revision) });
      }
      watch.hasSent = false;
    }
    this.#pump();
  }

  // --- Output -------------------------------------------------------------------------------------------------------

  #answer(part: Partial<WatchResponse>): void {
    this.#answers.push({ ...EMPTY_RESPONSE, header: headerOf(this.#port), ...part });
  }

  /** Sends while the transport takes it: answers first, for events must not come before their creation's answer. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isClosed && this.#unsentBytes < this.#limits.streamBufferBytesMax) {
      const answer = this.#answers.shift();
      if (answer) this.#send(answer, ANSWER_BYTES);
      else if (this.#rest) this.#sendRest(this.#rest);
      else if (!this.#takeNext()) break;
    }
    this.#isPumping = false;
    if (this.#answers.length < ANSWERS_MAX) {
      const caughtUp = this.#onCaughtUp;
      this.#onCaughtUp = undefined;
      caughtUp?.();
    }
  }

  /** Takes from the next watch in turn; false if none is ready. */
  #takeNext(): boolean {
    const [watch] = this.#ready;
    if (!watch) return false;
    this.#ready.delete(watch);
    const taken = watch.watcher.take(MESSAGE_EVENTS_MAX);
    if (!taken) return true;
    if (taken.type === 'denied') {
      this.#drop(watch);
      this.#answer({ watchId: watch.id, canceled: true, cancelReason: callerReasonOf(taken.error) ?? '' });
      return true;
    }
    if (taken.type === 'compacted') {
      this.#drop(watch);
      const header = headerOf(this.#port, 0);
      this.#answer({ header, watchId: watch.id, canceled: true, compactRevision: taken.compactRevision });
      return true;
    }
    // To the end of the line: it may have more, and so may the others.
    this.#ready.add(watch);
    const { revision, events } = taken.batch;
    if (watch.isMute || events.length === 0) return true;
    const fragments = cutIntoFragments(events, this.#limits.watchMessageBytesMax, watch.mayFragment);
    this.#rest = { watch, revision, fragments };
    return true;
  }

  #sendRest({ watch, revision, fragments }: { watch: Watch; revision: number; fragments: Fragment[] }): void {
    const fragment = fragments.shift() as Fragment;
    const isLast = fragments.length === 0;
    if (isLast) this.#rest = undefined;
    watch.hasSent = true;
    const upTo = isLast ? revision : (fragment.events.at(-1)?.kv.modRevision ?? revision);
    const response: WatchResponse = {
      ...EMPTY_RESPONSE,
      header: headerOf(this.#port, upTo),
      watchId: watch.id,
      fragment: fragment.isFragment,
      events: fragment.events.map(toEventMessage),
    };
    this.#send(response, fragment.bytes);
  }

  #send(response: WatchResponse, bytes: number): void {
    this.#unsentBytes += bytes;
    this.#output.send(response, () => {
      this.#unsentBytes -= bytes;
      this.#pump();
    });
  }

  #drop(watch: Watch): void {
    watch.watcher.cancel();
    this.#watches.delete(watch.id);
    this.#ready.delete(watch);
    if (this.#rest?.watch === watch) this.#rest = undefined;
  }
}

const EMPTY_RESPONSE: WatchResponse = {
  header: undefined,
  watchId: NO_WATCH,
  created: false,
  canceled: false,
  compactRevision: 0,
  cancelReason: '',
  fragment: false,
  events: [],
};

/** Whether every event up to its revision has been sent, and it does not wait for a revision to come. */
function isUpToDate({ watcher }: Watch): boolean {
  return watcher.synced && watcher.startRevision <= watcher.revision + 1;
}

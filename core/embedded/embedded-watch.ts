import type { Timer } from '../base/clock.js';
import { CompactedError } from '../base/errors.js';
import type { EventLoopHold } from '../base/event-loop-hold.js';
import type { WatchBatch } from '../base/operation.js';
import type { Member } from '../member/member.js';
import type { WatchStream } from '../store.js';
import { onAbort } from './abortable.js';

type WatchRequest = Parameters<Member['watch']>[0];
type Watcher = ReturnType<Member['watch']>;

interface Waiting {
  resolve(result: IteratorResult<WatchBatch, undefined>): void;
  reject(reason: unknown): void;
}

export interface EmbeddedWatchOptions {
  /** What to watch; it may throw, and the watch then fails. */
  readonly request: () => WatchRequest;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds of silence after which an empty batch tells how far the watch is; `undefined`: never. */
  readonly progressMs: number | undefined;
  readonly onEnd: (watch: EmbeddedWatch) => void;
  /** Held for each who waits for a batch. */
  readonly loop: EventLoopHold;
}

/** A watch whose batches stay in the member, which bounds them, until they are asked for. */
export class EmbeddedWatch implements WatchStream, AsyncIterator<WatchBatch, undefined> {
  readonly created: Promise<number>;

  readonly #member: Member;
  readonly #options: EmbeddedWatchOptions;
  #watcher: Watcher | undefined;
  readonly #waiting: Waiting[] = [];
  #progressTimer: Timer | undefined;
  #offAbort: (() => void) | undefined;
  /** Up to here, everything has been delivered. */
  #revision = 0;
  #ended = false;
  /** Why it ended, until somebody was told. */
  #failure: { readonly reason: unknown } | undefined;

  constructor(member: Member, options: EmbeddedWatchOptions) {
    this.#member = member;
    this.#options = options;
    this.created = this.#begin();
    // Whoever does not look at it learns of the failure from the first batch.
    this.created.catch(() => undefined);
  }

  get ended(): boolean {
    return this.#ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WatchBatch, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#options.loop.hold();
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<WatchBatch, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  /** Ends it with a reason, which the next one to ask is told. */
  fail(reason: unknown): void {
    if (this.#ended) return;
    this.#failure = { reason };
    this.#end();
  }

  async #begin(): Promise<number> {
    const { signal, request } = this.#options;
    try {
      signal?.throwIfAborted();
      if (signal !== undefined) this.#offAbort = onAbort(signal, () => this.fail(signal.reason));
      const asked = request();
      const { revision } = this.#member;
      this.#watcher = this.#member.watch(asked, this.#serve);
      this.#revision = (asked.from ?? revision + 1) - 1;
      this.#awaitSilence();
      return revision;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Gives those who wait what there is. */
  readonly #serve = (): void => {
    while (this.#waiting.length > 0) {
      const taken = this.#ended ? undefined : this.#watcher?.take();
      if (taken?.type === 'compacted') {
        this.fail(new CompactedError(this.#revision + 1, taken.compactRevision));
      } else if (taken !== undefined) {
        this.#deliver(taken.batch);
      } else if (this.#ended) {
        this.#dismiss();
      } else {
        return;
      }
    }
  };

  #deliver(batch: WatchBatch): void {
    this.#revision = batch.revision;
    this.#served().resolve({ done: false, value: batch });
    if (this.#progressTimer !== undefined) this.#awaitSilence();
  }

  #dismiss(): void {
    const waiting = this.#served();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(failure.reason);
  }

  /** Whoever waits longest, and no longer. */
  #served(): Waiting {
    this.#options.loop.release();
    return this.#waiting.shift() as Waiting;
  }

  #awaitSilence(): void {
    const { progressMs } = this.#options;
    if (progressMs === undefined) return;
    this.#progressTimer?.cancel();
    this.#progressTimer = this.#member.clock.after(progressMs, () => {
      if (this.#waiting.length > 0 && this.#watcher?.synced) {
        this.#deliver({ revision: this.#watcher.revision, events: [] });
      } else {
        this.#awaitSilence();
      }
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watcher?.cancel();
    this.#progressTimer?.cancel();
    this.#offAbort?.();
    this.#options.onEnd(this);
    this.#serve();
  }
}

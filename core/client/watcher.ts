import { ClosedError, CompactedError } from '../base/errors.js';
import type { Event, KeyRange } from '../base/key-value.js';
import type { WatchBatch } from '../base/operation.js';
import type { WatchOptions, WatchStream } from '../store.js';
import { onAbort } from '../base/abort.js';

/** What a watcher asks of the link that carries it. */
export interface Carrier {
  /** Watch on the server, from the watcher's next revision. */
  attach(watcher: Watcher): void;
  /** Watch no longer; the watcher may come back. */
  detach(watcher: Watcher): void;
  /** It has ended and will not come back. */
  ended(watcher: Watcher): void;
}

/** How much one watch holds for its reader, in events and in bytes of keys and values. */
export interface WatcherBounds {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

interface Reader {
  readonly resolve: (result: IteratorResult<WatchBatch, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: IteratorResult<WatchBatch, undefined> = { done: true, value: undefined };

/**
 * One watch, as its reader sees it: whole revisions, in order, none twice, whatever becomes of connections. It knows
 * the next revision to deliver, so that it can be taken up again from anywhere. When its reader is slow and its buffer
 * full, it lets the server go, and takes the watch up again once the buffer is empty.
 */
export class Watcher implements WatchStream, AsyncIterator<WatchBatch, undefined> {
  readonly created: Promise<number>;
  readonly target: KeyRange;
  readonly options: WatchOptions;
  readonly #bounds: WatcherBounds;
  readonly #carrier: Carrier;
  readonly #batches: WatchBatch[] = [];
  readonly #readers: Reader[] = [];
  #stopListening: () => void = () => {};
  #resolveCreated: (revision: number) => void = () => {};
  #rejectCreated: (error: unknown) => void = () => {};
  #isCreated = false;
  /** The first revision not yet queued; undefined until the server said what "now" is. */
  #next: number | undefined;
  #queuedEvents = 0;
  #queuedBytes = 0;
  #isPaused = false;
  #end: { readonly error?: unknown } | undefined;

  constructor(target: KeyRange, options: WatchOptions, bounds: WatcherBounds, carrier: Carrier) {
    this.target = target;
    this.options = options;
    this.#bounds = bounds;
    this.#carrier = carrier;
    this.#next = (options.from ?? 0) > 0 ? options.from : undefined;
    this.created = new Promise((resolve, reject) => {
      this.#resolveCreated = resolve;
      this.#rejectCreated = reject;
    });
    // Whoever reads the events need not also wait for this promise.
    this.created.catch(() => {});
    this.#stopListening = onAbort(options.signal, (reason) => this.#stop(reason));
  }

  // --- The reader's side ------------------------------------------------------------------------------------------

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WatchBatch, undefined>> {
    const batch = this.#batches.shift();
    if (batch) {
      this.#taken(batch);
      return Promise.resolve({ done: false, value: batch });
    }
    if (this.#end) return this.#takeEnd(this.#end);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<WatchBatch, undefined>> {
    this.#batches.length = 0;
    this.#finish({});
    return Promise.resolve(DONE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  // --- The link's side --------------------------------------------------------------------------------------------

  /** The first revision it has not been given; undefined until the server said what "now" is. */
  get nextRevision(): number | undefined {
    return this.#next;
  }

  get isCreated(): boolean {
    return this.#isCreated;
  }

  onCreated(revision: number): void {
    this.#next ??= revision + 1;
    if (this.#isCreated) return;
    this.#isCreated = true;
    this.#resolveCreated(revision);
  }

  /** Takes events of whole revisions. Those it has had are left out: others who share the watch may not have had them. */
  onEvents(events: readonly Event[]): void {
    const next = this.#next ?? 0;
    const isNew = ({ kv }: Event) => kv.modRevision >= next;
    const fresh = events[0] && isNew(events[0]) ? events : events.filter(isNew);
    const last = fresh.at(-1);
    if (!last) return;
    this.#next = last.kv.modRevision + 1;
    this.#queue({ revision: last.kv.modRevision, events: fresh });
  }

  /** The server says that everything up to here has been sent. */
  onProgress(revision: number): void {
    if (this.#next === undefined) return;
    this.#next = Math.max(this.#next, revision + 1);
    this.onAlive();
  }

  /** The server answers, though nothing happened. */
  onAlive(): void {
    if (this.options.progress !== true || this.#next === undefined || this.#batches.length > 0) return;
    this.#queue({ revision: this.#next - 1, events: [] });
  }

  /** Its next revision has been compacted away. */
  onCompacted(compactRevision: number): void {
    this.fail(new CompactedError(this.#next ?? 0, compactRevision));
  }

  /** Ends with an error, once the reader has taken what is queued. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  // --- Within -----------------------------------------------------------------------------------------------------

  #queue(batch: WatchBatch): void {
    const reader = this.#readers.shift();
    if (reader) return reader.resolve({ done: false, value: batch });
    this.#batches.push(batch);
    this.#queuedEvents += batch.events.length;
    this.#queuedBytes += bytesOf(batch);
    if (this.#isPaused) return;
    if (this.#queuedEvents <= this.#bounds.eventsMax && this.#queuedBytes <= this.#bounds.bytesMax) return;
    this.#isPaused = true;
    this.#carrier.detach(this);
  }

  #taken(batch: WatchBatch): void {
    this.#queuedEvents -= batch.events.length;
    this.#queuedBytes -= bytesOf(batch);
    if (!this.#isPaused || this.#batches.length > 0 || this.#end) return;
    this.#isPaused = false;
    this.#carrier.attach(this);
  }

  /** Ends at once, what is queued thrown away. */
  #stop(error: unknown): void {
    this.#batches.length = 0;
    this.#finish({ error });
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    this.#stopListening();
    this.#carrier.ended(this);
    this.#rejectCreated('error' in end ? end.error : new ClosedError('the watch'));
    for (const reader of this.#readers.splice(0)) this.#takeEnd(this.#end).then(reader.resolve, reader.reject);
  }

  /** An error is thrown once; after it the watch is simply over. */
  async #takeEnd(end: { readonly error?: unknown }): Promise<IteratorResult<WatchBatch, undefined>> {
    this.#end = {};
    if ('error' in end) throw end.error;
    return DONE;
  }
}

function bytesOf({ events }: WatchBatch): number {
  let bytes = 0;
  for (const { kv, previous } of events) {
    bytes += kv.key.length + kv.value.length;
    if (previous) bytes += previous.key.length + previous.value.length;
  }
  return bytes;
}

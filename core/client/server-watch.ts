import { toMapKey } from '../base/bytes.js';
import type { Event } from '../base/key-value.js';
import { toRangeFields } from '../rpc/convert-requests.js';
import { type WatchCreateRequest, WatchCreateRequest_FilterType as Filter } from '../rpc/gen/watch.js';
import type { Watcher } from './watcher.js';

/**
 * One watch of the server, for one watcher or for several that asked for the same. It puts fragments together, so that
 * watchers get whole revisions, and knows the next revision to ask for, so that it can be taken up again from anywhere.
 */
export class ServerWatch {
  /** What it watches and how: watchers of the same kind can share one. */
  readonly kind: string;
  readonly #first: Watcher;
  readonly #members = new Set<Watcher>();
  /** The first revision that has not been handed on; undefined until the server said what "now" is. */
  #next: number | undefined;
  /** Events of a revision whose end has not come yet. */
  #partial: Event[] = [];
  /** The store's revision when the server took it up; undefined while it has not. */
  #createdRevision: number | undefined;

  constructor(first: Watcher) {
    this.#first = first;
    this.#members.add(first);
    this.#next = first.nextRevision;
    const { key, end } = first.target;
    const { previous = false, only = 'all' } = first.options;
    this.kind = `${previous} ${only} ${key.length} ${toMapKey(key)}${end === undefined ? '' : ` ${toMapKey(end)}`}`;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  get members(): readonly Watcher[] {
    return [...this.#members];
  }

  /** Whether all of its watchers have begun. */
  get isCreated(): boolean {
    return this.members.every((member) => member.isCreated);
  }

  /** Whether the server has sent all that there was when it took this up: who joins need not wait for history. */
  get isLive(): boolean {
    return this.#createdRevision !== undefined && (this.#next ?? 0) > this.#createdRevision;
  }

  /** Whether none of its watchers needs anything that the other one has handed on already. */
  canJoin(other: ServerWatch): boolean {
    return this.#createdRevision !== undefined && (this.#next ?? 0) >= (other.#next ?? Infinity);
  }

  /** Takes the watchers of another one of its kind, which {@link canJoin}; each leaves out what it has had. */
  takeAll(other: ServerWatch): readonly Watcher[] {
    const moved = other.members;
    other.#members.clear();
    for (const member of moved) this.#members.add(member);
    return moved;
  }

  remove(member: Watcher): void {
    this.#members.delete(member);
  }

  /** The message that begins this watch, or takes it up where it is. What was half received is asked for again. */
  toMessage(watchId: bigint): WatchCreateRequest {
    this.#partial = [];
    const { previous, only } = this.#first.options;
    return {
      ...toRangeFields(this.#first.target),
      startRevision: BigInt(this.#next ?? 0),
      // These move the next revision on while nothing happens, past what may be compacted meanwhile.
      progressNotify: true,
      filters: only === undefined ? [] : [only === 'put' ? Filter.NODELETE : Filter.NOPUT],
      prevKv: previous ?? false,
      watchId,
      // Otherwise a thousand large revisions may come as one message.
      fragment: true,
    };
  }

  /** Its stream is gone: it is to be taken up on another one. */
  onLost(): void {
    this.#createdRevision = undefined;
  }

  onCreated(revision: number): void {
    this.#next ??= revision + 1;
    this.#createdRevision = revision;
    for (const member of this.members) member.onCreated(revision);
  }

  /** Takes events; all of those before the last one's revision are known to be whole, the last ones if not a fragment. */
  onEvents(events: readonly Event[], isFragment: boolean): void {
    const fresh = events.filter((event) => event.kv.modRevision >= (this.#next ?? 0));
    const all = this.#partial.length === 0 ? fresh : [...this.#partial, ...fresh];
    const last = all.at(-1);
    if (!last) return;
    const wholeCount = isFragment ? all.findIndex((event) => event.kv.modRevision === last.kv.modRevision) : all.length;
    this.#partial = all.slice(wholeCount);
    const whole = wholeCount === all.length ? all : all.slice(0, wholeCount);
    const lastWhole = whole.at(-1);
    if (!lastWhole) return;
    this.#next = lastWhole.kv.modRevision + 1;
    for (const member of this.members) member.onEvents(whole);
  }

  /**
   * The server says that everything up to here has been sent. While the rest of a revision is to come, that cannot be: no
   * server should say it between fragments, and one that does must not make us leave the rest out after a broken stream.
   */
  onProgress(revision: number): void {
    if (this.#next === undefined || this.#partial.length > 0) return;
    this.#next = Math.max(this.#next, revision + 1);
    for (const member of this.members) member.onProgress(revision);
  }

  /** The server answers, though nothing happened. */
  onAlive(): void {
    for (const member of this.members) member.onAlive();
  }

  /**
   * Its next revision has been compacted away, which ends those whose next one that is.
   *
   * @returns the others: they joined it waiting for later ones, and can be taken up there
   */
  onCompacted(compactRevision: number): readonly Watcher[] {
    const isBehind = (this.#next ?? 0) < compactRevision;
    const later = this.members.filter((member) => isBehind && (member.nextRevision ?? 0) >= compactRevision);
    for (const member of this.members) if (!later.includes(member)) member.onCompacted(compactRevision);
    return later;
  }

  fail(error: unknown): void {
    for (const member of this.members) member.fail(error);
  }
}

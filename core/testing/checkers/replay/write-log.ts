import type { LogEvent } from '../history/operation.js';
import { isWithin, type Stored, type View } from '../store/semantics.js';

/** Why a write log is not one. */
export class WriteLogError extends Error {}

/**
 * A complete write log, from which the keys as they were at any revision can be read. It keeps its columns in flat arrays,
 * about a hundred bytes and the value's text an event.
 */
export class WriteLog {
  readonly firstRevision: number;
  /** By event. */
  readonly #keys: string[] = [];
  readonly #values: (string | undefined)[] = [];
  readonly #leases: (string | undefined)[] = [];
  readonly #createRevisions: number[] = [];
  readonly #versions: number[] = [];
  readonly #revisions: number[] = [];
  /** By revision, from the first: its first event; and one past the end. */
  readonly #starts: number[] = [];
  /** By key: its events, oldest first. */
  readonly #versionsOf = new Map<string, number[]>();
  #sortedKeys: readonly string[] = [];

  /**
   * @param firstRevision - that of the first event. Before it there is no key
   * @throws WriteLogError if revisions are missing or out of order, or what an event says of itself is wrong
   */
  constructor(events: Iterable<LogEvent>, firstRevision: number) {
    this.firstRevision = firstRevision;
    for (const event of events) this.#add(event);
    this.#starts.push(this.#keys.length);
    this.#sortedKeys = [...this.#versionsOf.keys()].sort();
  }

  /** The last revision; one before the first if the log is empty. */
  get lastRevision(): number {
    return this.firstRevision + this.#starts.length - 2;
  }

  has(revision: number): boolean {
    return revision >= this.firstRevision && revision <= this.lastRevision;
  }

  /** What a revision left of each key that it changed. */
  changesOf(revision: number): Map<string, Stored | undefined> {
    const changes = new Map<string, Stored | undefined>();
    const [from, to] = this.#eventsOf(revision);
    for (let event = from; event < to; event += 1) changes.set(this.#keys[event] as string, this.#stored(event));
    return changes;
  }

  /** The first key that a revision changed, what it was set to (`undefined`: deleted) and how many changes there are. */
  firstChangeOf(revision: number): { key: string; value: string | undefined; count: number } {
    const [from, to] = this.#eventsOf(revision);
    return { key: this.#keys[from] as string, value: this.#values[from], count: to - from };
  }

  /** All keys as they were at a revision. */
  at(revision: number): View {
    const get = (key: string) => this.#storedAt(key, revision);
    const keys = this.#sortedKeys;
    return {
      get,
      *range(from, end) {
        for (let at = leastAtOrAfter(keys, from); at < keys.length; at += 1) {
          const key = keys[at] as string;
          if (!isWithin(key, from, end)) return;
          const stored = get(key);
          if (stored) yield [key, stored];
        }
      },
    };
  }

  /** The events of a revision, as they were told. */
  *eventsAt(revision: number): Generator<LogEvent> {
    for (const [key, stored] of this.changesOf(revision)) {
      yield stored ? { event: 'put', revision, key, value: stored.value } : { event: 'delete', revision, key };
    }
  }

  #add(event: LogEvent): void {
    const { key, revision } = event;
    const at = this.#keys.length;
    this.#checkOrder(revision);
    const versions = this.#versionsOf.get(key);
    const before = versions && this.#stored(versions[versions.length - 1] as number);
    this.#keys.push(key);
    this.#revisions.push(revision);
    this.#values.push(event.event === 'put' ? (event.value ?? '') : undefined);
    this.#leases.push(event.lease);
    this.#createRevisions.push(before?.createRevision ?? revision);
    this.#versions.push((before?.version ?? 0) + 1);
    if (versions) versions.push(at);
    else this.#versionsOf.set(key, [at]);
    this.#checkEvent(event, before);
  }

  #checkOrder(revision: number): void {
    const last = this.firstRevision + this.#starts.length - 1;
    if (revision === last && this.#starts.length > 0) return;
    if (revision !== last + 1) {
      throw new WriteLogError(`after revision ${last} the write log has ${revision}: it is not complete and in order`);
    }
    this.#starts.push(this.#keys.length);
  }

  #checkEvent({ event, key, revision, createRevision, version }: LogEvent, before: Stored | undefined): void {
    const at = this.#keys.length - 1;
    const ours = { createRevision: this.#createRevisions[at], version: this.#versions[at] };
    if (event === 'delete' && !before)
      throw new WriteLogError(`revision ${revision} deletes ${key}, which is not there`);
    if (event === 'delete') return;
    if ((createRevision ?? ours.createRevision) !== ours.createRevision) {
      throw new WriteLogError(`revision ${revision} says that ${key} is of ${createRevision}: ${ours.createRevision}`);
    }
    if ((version ?? ours.version) !== ours.version) {
      throw new WriteLogError(`revision ${revision} says that ${key} is version ${version}: it is ${ours.version}`);
    }
  }

  #eventsOf(revision: number): [from: number, to: number] {
    const at = revision - this.firstRevision;
    return [this.#starts[at] as number, this.#starts[at + 1] as number];
  }

  #storedAt(key: string, revision: number): Stored | undefined {
    const versions = this.#versionsOf.get(key);
    if (!versions) return undefined;
    let [low, high] = [0, versions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#revisions[versions[middle] as number] as number) <= revision) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#stored(versions[low - 1] as number);
  }

  #stored(event: number): Stored | undefined {
    const value = this.#values[event];
    if (value === undefined) return undefined;
    const lease = this.#leases[event];
    return {
      value,
      createRevision: this.#createRevisions[event] as number,
      modRevision: this.#revisions[event] as number,
      version: this.#versions[event] as number,
      ...(lease === undefined ? {} : { lease }),
    };
  }
}

function leastAtOrAfter(keys: readonly string[], from: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

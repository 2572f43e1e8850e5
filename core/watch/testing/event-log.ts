import { EMPTY_BYTES, toBytes, toText } from '../../base/bytes.js';
import { CompactedError } from '../../base/errors.js';
import { contains } from '../../base/key-range.js';
import type { Event, KeyValue } from '../../base/key-value.js';
import type { History, HistoryOptions, RevisionEvents } from '../../mvcc/history.js';
import { type Taken, type Watcher, WatchHub, type WatchRequest } from '../hub.js';
import type { WatchSource } from '../watch-source.js';

/** A keyspace that only remembers what happened, and counts how often it is asked. */
export class EventLog implements WatchSource {
  revision = 1;
  compactRevision = 0;
  historyReads = 0;
  previousReads = 0;
  readonly #log: RevisionEvents[] = [];

  /** Makes a revision. "a=1" puts, "-a" deletes. */
  write(...changes: readonly string[]): RevisionEvents {
    this.revision += 1;
    const batch = { revision: this.revision, events: changes.map((change) => eventOf(change, this.revision)) };
    this.#log.push(batch);
    return batch;
  }

  /** Another that has seen the same so far. */
  clone(): EventLog {
    const copy = new EventLog();
    copy.revision = this.revision;
    copy.#log.push(...this.#log);
    return copy;
  }

  history({ fromRevision, revisionsMax, target }: HistoryOptions): History {
    this.historyReads += 1;
    if (fromRevision < this.compactRevision) throw new CompactedError(fromRevision, this.compactRevision);
    const seen = this.#log.filter((batch) => batch.revision >= fromRevision).slice(0, revisionsMax);
    const batches = seen
      .map(({ revision, events }) => ({ revision, events: events.filter((event) => contains(target, event.kv.key)) }))
      .filter((batch) => batch.events.length > 0);
    return { batches, nextRevision: Math.max(fromRevision, (seen.at(-1)?.revision ?? this.revision) + 1) };
  }

  previous(wanted: Uint8Array, beforeRevision: number): KeyValue | undefined {
    this.previousReads += 1;
    const events = this.#log.filter((batch) => batch.revision < beforeRevision).flatMap((batch) => batch.events);
    const last = events.findLast((event) => toText(event.kv.key) === toText(wanted));
    return last?.type === 'put' ? last.kv : undefined;
  }
}

function eventOf(change: string, modRevision: number): Event {
  const isDelete = change.startsWith('-');
  const [name, value] = isDelete ? [change.slice(1)] : change.split('=');
  const kv = { createRevision: 0, version: 0, lease: 0n, modRevision, key: toBytes(name as string) };
  return isDelete
    ? { type: 'delete', kv: { ...kv, value: EMPTY_BYTES } }
    : { type: 'put', kv: { ...kv, value: toBytes(value as string) } };
}

/** A hub over an {@link EventLog}. */
export function openHub(settings: { queueEventsMax?: number; catchUpRevisionsMax?: number } = {}) {
  const log = new EventLog();
  const hub = new WatchHub(log, { queueEventsMax: 1_000, catchUpRevisionsMax: 1_000, ...settings });
  return {
    log,
    hub,
    /** Makes a revision and publishes it. */
    write: (...changes: readonly string[]) => hub.publish([log.write(...changes)]),
    watch: (request: WatchRequest) => {
      const wakes = { count: 0 };
      return { wakes, watcher: hub.watch(request, () => (wakes.count += 1)) };
    },
  };
}

/** Everything that waits, as "revision: a=1 -b". */
export function takeAll(watcher: Watcher, eventsMax?: number): string[] {
  const all: string[] = [];
  for (;;) {
    const taken = takeNext(watcher, eventsMax);
    if (taken === undefined) return all;
    if (taken.type === 'compacted') all.push(`compacted at ${taken.compactRevision}`);
    else all.push(`${taken.batch.revision}: ${taken.batch.events.map(show).join(' ')}`);
  }
}

/** What comes next, however much of history is to be read for it. */
export function takeNext(watcher: Watcher, eventsMax?: number): Taken | undefined {
  let taken = watcher.take(eventsMax);
  while (taken === undefined && watcher.readsHistory) taken = watcher.take(eventsMax);
  return taken;
}

function show({ type, kv, previous }: Event): string {
  const before = previous === undefined ? '' : `(${toText(previous.value)})`;
  return type === 'delete' ? `-${toText(kv.key)}${before}` : `${toText(kv.key)}=${toText(kv.value)}${before}`;
}

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Backend, TABLES } from '../backend/backend.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { toBytes, toText } from '../base/bytes.js';
import { contains, everything, fromKey, key, prefix, range } from '../base/key-range.js';
import type { Event, KeyValue } from '../base/key-value.js';
import type { RevisionEvents } from '../mvcc/history.js';
import { Keyspace } from '../mvcc/keyspace.js';
import { type Taken, type Watcher, WatchHub, type WatchRequest } from './hub.js';
import { takeNext } from './testing/event-log.js';

type Change = readonly [name: string, value: number | undefined];

type Step =
  /** Revisions that are made and published together. A value of `undefined` deletes. */
  | { readonly type: 'write'; readonly revisions: readonly (readonly Change[])[] }
  /** How far between the last compaction and the present, in tenths. */
  | { readonly type: 'compact'; readonly tenths: number; readonly scrub: number }
  | {
      readonly type: 'watch';
      readonly request: WatchRequest;
      readonly fromOffset: number | undefined;
      readonly isSlow: boolean;
      /** How much it takes at once. */
      readonly eventsMax: number | undefined;
    }
  | { readonly type: 'take'; readonly which: number; readonly count: number }
  | { readonly type: 'cancel'; readonly which: number }
  /** The state is replaced by one that has gone further, and may have compacted what nobody here saw. */
  | {
      readonly type: 'move';
      readonly revisions: readonly (readonly Change[])[];
      readonly tenths: number;
      readonly scrub: number;
    };

const NAMES = ['a', 'aa', 'ab', 'b', 'ba', 'c'];
const changes = fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.option(fc.nat(9), { nil: undefined, freq: 3 })), {
  selector: ([name]) => name,
  minLength: 1,
  maxLength: 4,
});
const target = fc.constantFrom(
  key('a'),
  key('b'),
  prefix('a'),
  prefix('b'),
  range('aa', 'ba'),
  fromKey('ab'),
  everything(),
);
const request: fc.Arbitrary<WatchRequest> = fc.record(
  { target, previous: fc.boolean(), only: fc.constantFrom('put', 'delete') },
  { requiredKeys: ['target'] },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('write'), revisions: fc.array(changes, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact'), tenths: fc.nat(10), scrub: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('watch'),
      request,
      fromOffset: fc.option(fc.integer({ min: -12, max: 4 }), { nil: undefined }),
      isSlow: fc.boolean(),
      eventsMax: fc.option(fc.nat(6), { nil: undefined }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('take'), which: fc.nat(20), count: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cancel'), which: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('move'),
      revisions: fc.array(changes, { maxLength: 6 }),
      tenths: fc.nat(10),
      scrub: fc.nat(20),
    }),
  },
);
const run = fc.record({
  steps: fc.array(step, { minLength: 30, maxLength: 60 }),
  settings: fc.record({
    queueEventsMax: fc.integer({ min: 1, max: 8 }),
    catchUpRevisionsMax: fc.integer({ min: 1, max: 5 }),
  }),
});

test('every watcher gets exactly the history of its range from its first revision on, or is told that it is gone', () => {
  fc.assert(
    fc.property(run, ({ steps, settings }) => {
      const world = new World(settings);
      for (const step of steps) world.carryOut(step);
      for (const watched of world.watched) watched.checkToTheEnd();
    }),
    { seed: 64, numRuns: 150 },
  );
});

/** A keyspace and a hub, and beside them the full history, which nothing compacts. */
class World {
  readonly watched: Watched[] = [];
  readonly log: RevisionEvents[] = [];
  keyspace: Keyspace;
  #backend = openMemoryBackend();
  readonly #hub: WatchHub;

  constructor(settings: { queueEventsMax: number; catchUpRevisionsMax: number }) {
    this.keyspace = Keyspace.open(this.#backend);
    this.#hub = new WatchHub(this.keyspace, settings);
  }

  carryOut(step: Step): void {
    switch (step.type) {
      case 'write':
        return this.#write(step.revisions);
      case 'compact':
        return this.#compact(step.tenths, step.scrub);
      case 'watch':
        return this.#watch(step);
      case 'take':
        return this.#slow(step.which)?.take(step.count);
      case 'cancel':
        return this.#slow(step.which)?.cancel();
      case 'move':
        return this.#move(step);
    }
  }

  #slow(which: number): Watched | undefined {
    const slow = this.watched.filter((watched) => watched.isSlow);
    return slow[which % Math.max(1, slow.length)];
  }

  #write(revisions: readonly (readonly Change[])[]): void {
    this.#hub.publish(this.#make(revisions));
  }

  #move({ revisions, tenths, scrub }: Extract<Step, { type: 'move' }>): void {
    this.#backend = copyOf(this.#backend);
    this.keyspace = Keyspace.open(this.#backend);
    this.#make(revisions);
    this.#compact(tenths, scrub);
    this.#hub.moveTo(this.keyspace);
  }

  #make(revisions: readonly (readonly Change[])[]): readonly RevisionEvents[] {
    const made: RevisionEvents[] = [];
    this.#backend.write((batch) => {
      for (const changes of revisions) {
        const writer = this.keyspace.begin(batch);
        for (const [name, value] of changes) {
          if (value === undefined) writer.delete({ type: 'delete', key: toBytes(name) });
          else writer.put({ type: 'put', key: toBytes(name), value: toBytes(String(value)) });
        }
        const events = writer.finish();
        if (events.length > 0) made.push({ revision: this.keyspace.revision, events });
      }
    });
    this.log.push(...made);
    return made;
  }

  #compact(tenths: number, scrub: number): void {
    const { revision, compactRevision } = this.keyspace;
    const wanted = compactRevision + Math.floor(((revision - compactRevision) * tenths) / 10);
    this.#backend.write((batch) => {
      if (wanted > compactRevision) this.keyspace.compact(wanted, batch);
    });
    this.#backend.write((batch) => void this.keyspace.scrub(batch, scrub));
  }

  #watch({ request, fromOffset, isSlow, eventsMax }: Extract<Step, { type: 'watch' }>): void {
    const from = fromOffset === undefined ? undefined : Math.max(1, this.keyspace.revision + 1 + fromOffset);
    const asked = from === undefined ? request : { ...request, from };
    const watched: Watched = new Watched(this, asked, { isSlow, eventsMax }, (onReady) =>
      this.#hub.watch(asked, onReady),
    );
    expect(watched.watcher.startRevision).toBe(from ?? this.keyspace.revision + 1);
    this.watched.push(watched);
    if (!isSlow) watched.take(Number.POSITIVE_INFINITY);
  }

  /** The key as it was just before a revision, whatever is compacted. */
  previous(name: string, beforeRevision: number): KeyValue | undefined {
    const events = this.log.filter((batch) => batch.revision < beforeRevision).flatMap((batch) => batch.events);
    const last = events.findLast(({ kv }) => toText(kv.key) === name);
    return last?.type === 'put' ? last.kv : undefined;
  }
}

/** One watcher and what it has been given. A slow one takes when told to, any other only when it is called back. */
class Watched {
  readonly watcher: Watcher;
  readonly isSlow: boolean;
  readonly #eventsMax: number | undefined;
  readonly #world: World;
  readonly #request: WatchRequest;
  #next: number;
  /** Everything before this place in the log was taken, or does not concern the watcher. */
  #at = 0;
  #isOver = false;

  constructor(
    world: World,
    request: WatchRequest,
    { isSlow, eventsMax }: { readonly isSlow: boolean; readonly eventsMax: number | undefined },
    watch: (onReady: () => void) => Watcher,
  ) {
    this.#world = world;
    this.#request = request;
    this.isSlow = isSlow;
    this.#eventsMax = eventsMax;
    this.watcher = watch(() => {
      if (!isSlow) this.take(Number.POSITIVE_INFINITY);
    });
    this.#next = this.watcher.startRevision;
  }

  take(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.#checkProgress();
      const taken = takeNext(this.watcher, this.#eventsMax);
      if (taken === undefined) return;
      this.#check(taken);
    }
  }

  cancel(): void {
    this.watcher.cancel();
    this.#checkProgress();
    this.#isOver = true;
  }

  checkToTheEnd(): void {
    if (this.isSlow) this.take(Number.POSITIVE_INFINITY);
    expect(this.watcher.take()).toBeUndefined();
    if (!this.#isOver) expect(this.#expected()).toBeUndefined();
  }

  #check(taken: Taken): void {
    must(!this.#isOver, true);
    const { compactRevision } = this.#world.keyspace;
    if (taken.type === 'compacted') {
      must(taken.compactRevision, compactRevision);
      must(this.#next < compactRevision, true);
      this.#isOver = true;
      return;
    }
    const { revision, events } = taken.batch;
    let [count, revisionCount] = [0, 0];
    for (; count < events.length; revisionCount += 1) {
      const expected = this.#expected();
      const whole = events.slice(count, count + (expected?.events.length ?? 1));
      must(whole.map(show).join(), expected?.events.map(show).join());
      this.#next = (expected?.revision ?? revision) + 1;
      count += whole.length;
    }
    must(revision, this.#next - 1);
    must(revisionCount === 1 || count <= (this.#eventsMax ?? 0), true);
    for (const event of events) this.#checkPrevious(event, compactRevision);
  }

  /** What the watcher says of its progress is true: nothing at or below that revision is still to come. */
  #checkProgress(): void {
    const { revision, synced } = this.watcher;
    if (this.#isOver) return;
    must((this.#expected()?.revision ?? Number.POSITIVE_INFINITY) > revision, true);
    if (synced) must(revision, this.#world.keyspace.revision);
    this.#next = Math.max(this.#next, revision + 1);
  }

  #checkPrevious({ kv, previous }: Event, compactRevision: number): void {
    if (!this.#request.previous) return must(previous, undefined);
    const exact = this.#world.previous(toText(kv.key), kv.modRevision);
    const mayBeMissing = kv.modRevision - 1 < compactRevision;
    if (!mayBeMissing || previous !== undefined) must(previous && showKv(previous), exact && showKv(exact));
  }

  /** What comes next of what has been published. */
  #expected(): RevisionEvents | undefined {
    const { target, only } = this.#request;
    const wanted = ({ type, kv }: Event) => contains(target, kv.key) && (only === undefined || type === only);
    for (; this.#at < this.#world.log.length; this.#at += 1) {
      const { revision, events } = this.#world.log[this.#at] as RevisionEvents;
      const seen = events.filter(wanted);
      if (revision >= this.#next && seen.length > 0) return { revision, events: seen };
    }
    return undefined;
  }
}

function copyOf(backend: Backend): Backend {
  const copy = openMemoryBackend();
  copy.write((batch) => {
    for (const table of TABLES) for (const [key, value] of backend.scan(table)) batch.put(table, key, value);
  });
  return copy;
}

function show({ type, kv }: Event): string {
  return `${type} ${showKv(kv)}`;
}

function showKv({ key, value, createRevision, modRevision, version, lease }: KeyValue): string {
  return [toText(key), toText(value), createRevision, modRevision, version, lease].join(' ');
}

/** As `expect(actual).toBe(expected)`, which is slow where it holds. */
function must(actual: unknown, expected: unknown): void {
  if (actual !== expected) expect(actual).toBe(expected);
}

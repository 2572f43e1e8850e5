import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../../core/base/bytes.js';
import { ClosedError, TimeoutError, UnavailableError } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import { open } from '../../core/embedded/open.js';
import type { Store } from '../../core/store.js';
import { ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { MirrorDiff } from './diff.js';
import { Mirror, type MirrorOptions } from './mirror.js';
import { WaywardStore } from './testing/wayward-store.js';

let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;
const mirrors: Mirror<string>[] = [];

beforeEach(async () => {
  clock = new ManualClock();
  real = await open({ memory: true }, { clock });
  wayward = new WaywardStore(real);
});

afterEach(async () => {
  for (const mirror of mirrors.splice(0)) await mirror.close();
  await real.close();
});

function mirrorOf(options: Partial<MirrorOptions<string>> = {}, store: Store = wayward): Mirror<string> {
  const mirror = new Mirror(store, { target: prefix('m/'), decode: ({ value }) => toText(value), ...options });
  mirrors.push(mirror);
  return mirror;
}

async function ready(options: Partial<MirrorOptions<string>> = {}): Promise<Mirror<string>> {
  const mirror = mirrorOf(options);
  await mirror.ready();
  await settle();
  return mirror;
}

/** "key=value" of every entry. */
const contents = (mirror: Mirror<string>) => mirror.entries().map(({ key, value }) => `${key}=${value}`);

/** Gathers what an observer is told, as text. */
function recorded(mirror: Mirror<string>): string[] {
  const told: string[] = [];
  mirror.observe({
    diff: (diff) => told.push(...inWords(diff)),
    stale: () => told.push('stale'),
    live: () => told.push('live'),
    failed: () => told.push('failed'),
  });
  return told;
}

function inWords(diff: MirrorDiff<string>): string[] {
  return diff.changes.map((change) => {
    const from = change.type === 'added' ? '' : change.previous.value;
    const to = change.type === 'removed' ? '' : change.current.value;
    return `${change.type} ${change.key} ${from}>${to}`;
  });
}

describe('Mirror', () => {
  test('it has what the store has, in key order, and nothing from beside its range', async () => {
    for (const key of ['m/b', 'm/a', 'n/x']) await real.put(key, key.slice(2));

    const mirror = await ready();

    expect(contents(mirror)).toEqual(['m/a=a', 'm/b=b']);
    expect(mirror.revision).toBe(4);
    expect(mirror.get('m/b')).toMatchObject({ value: 'b', createRevision: 2, modRevision: 2, lease: 0n });
    expect(mirror.get('n/x')).toBeUndefined();
  });

  test('it lists in pages that all show one revision, whatever is written between them', async () => {
    for (const key of ['m/a', 'm/b', 'm/c', 'm/d', 'm/e']) await real.put(key, 'old');
    const write = async () => {
      await real.put('m/e', 'new');
      await real.delete('m/c');
    };
    wayward.onCall = ({ number }) => (number === 1 ? { kind: 'after', act: write } : undefined);
    const mirror = mirrorOf({ pageKeys: 2 });
    const told = recorded(mirror);

    await mirror.ready();
    expect(contents(mirror)).toEqual(['m/a=old', 'm/b=old', 'm/c=old', 'm/d=old', 'm/e=old']);
    await settle();

    expect(wayward.countOf('range')).toBe(3);
    expect(told.slice(-2)).toEqual(['updated m/e old>new', 'removed m/c old>']);
  });

  test('a page that ends exactly with the last key is the last page', async () => {
    for (const key of ['m/a', 'm/b', 'm/c', 'm/d']) await real.put(key, 'v');

    const mirror = await ready({ pageKeys: 2 });

    expect(mirror.entries()).toHaveLength(4);
    expect(wayward.countOf('range')).toBe(2);
  });

  test('it follows what is put, changed and deleted', async () => {
    const mirror = await ready();
    const told = recorded(mirror);

    await real.put('m/a', '1');
    await real.put('m/a', '2');
    await real.delete('m/a');
    await settle();

    expect(told).toEqual(['added m/a >1', 'updated m/a 1>2', 'removed m/a 2>']);
    expect(mirror.revision).toBe(4);
  });

  test('a mirror of one key follows that key alone', async () => {
    await real.put('m/a', '1');
    const mirror = await ready({ target: 'm/a' });

    await real.put('m/ab', '2');
    await settle();

    expect(contents(mirror)).toEqual(['m/a=1']);
  });

  test('a key that does not belong here is left out until it does', async () => {
    const decode = ({ value }: { value: Uint8Array }) => {
      const text = toText(value);
      if (text === 'throws') throw new Error('unreadable');
      return text === 'foreign' ? undefined : text;
    };
    await real.put('m/a', 'foreign');
    await real.put('m/b', 'throws');
    const mirror = await ready({ decode });
    const told = recorded(mirror);
    expect(contents(mirror)).toEqual([]);

    await real.put('m/a', 'ours');
    await real.put('m/a', 'foreign');
    await settle();

    expect(told).toEqual(['added m/a >ours', 'removed m/a ours>']);
    await clock.advance(30_000);
    expect(wayward.watchesBegun).toBe(1);
  });

  test('an observer that throws harms neither the mirror nor other observers', async () => {
    const mirror = await ready();
    mirror.observe({
      diff: () => {
        throw new Error('a bug in an observer');
      },
    });
    const told = recorded(mirror);

    await real.put('m/a', '1');
    await settle();

    expect(told).toEqual(['added m/a >1']);
  });
});

describe('Mirror, when the watch breaks', () => {
  test('it resumes where it was, without listing again, and misses nothing', async () => {
    const mirror = await ready();
    const told = recorded(mirror);
    const ranges = wayward.countOf('range');

    wayward.goAway();
    await real.put('m/a', '1');
    await real.put('m/a', '2');
    wayward.comeBack();
    await clock.advance(1_000);

    expect(told).toEqual(['stale', 'live', 'added m/a >1', 'updated m/a 1>2']);
    expect(wayward.countOf('range')).toBe(ranges);
  });

  test('after a compaction meanwhile it lists again and tells the difference', async () => {
    for (const key of ['m/kept', 'm/changed', 'm/gone']) await real.put(key, '1');
    const mirror = await ready();
    const told = recorded(mirror);

    wayward.goAway();
    await real.put('m/changed', '2');
    await real.delete('m/gone');
    const { revision } = await real.put('m/new', '1');
    await real.compact(revision);
    wayward.comeBack();
    await clock.advance(1_000);

    expect(told.slice(1).sort()).toEqual(['added m/new >1', 'live', 'removed m/gone 1>', 'updated m/changed 1>2']);
    await real.put('m/new', '2');
    await settle();
    expect(told.at(-1)).toBe('updated m/new 1>2');
  });

  test('while the store is away what was known stays, labelled stale', async () => {
    await real.put('m/a', '1');
    const mirror = await ready();
    expect(mirror.stale).toBe(false);

    wayward.goAway();
    await clock.advance(60_000);

    expect(mirror.stale).toBe(true);
    expect(mirror.confirmedAgoMs).toBe(60_000);
    expect(contents(mirror)).toEqual(['m/a=1']);
    wayward.comeBack();
    await clock.advance(5_000);
    expect(mirror.stale).toBe(false);
  });

  test('attempts at a store that stays away become rare', async () => {
    await ready();
    wayward.goAway();
    const before = wayward.calls.length + wayward.watchesBegun;

    await clock.advance(60_000);

    expect(wayward.calls.length + wayward.watchesBegun - before).toBeLessThan(40);
  });

  test('a store that comes back emptied is copied anew, although its revisions are lower', async () => {
    for (const value of ['1', '2', '3', '4']) await real.put('m/a', value);
    const other = await open({ memory: true }, { clock });
    await other.put('m/b', '1');
    let current: Store = real;
    wayward = new WaywardStore(eitherOf(() => current));
    const mirror = await ready();
    const told = recorded(mirror);

    current = other;
    wayward.breakWatches(new UnavailableError('the connection was lost'));
    await clock.advance(61_000);

    expect(contents(mirror)).toEqual(['m/b=1']);
    expect(told).toContain('removed m/a 4>');
    await mirror.close();
    await other.close();
  });

  test('an error that trying again cannot cure ends it, its readers and those who wait', async () => {
    const mirror = mirrorOf();
    const told = recorded(mirror);
    const timers = clock.timerCount;
    wayward.onCall = () => ({ kind: 'fail', error: new ClosedError() });
    const reading = mirror.changes()[Symbol.asyncIterator]().next();

    await Promise.all([
      expect(mirror.ready()).rejects.toThrow(ClosedError),
      expect(reading).rejects.toThrow(ClosedError),
    ]);

    expect(told).toEqual(['stale', 'failed']);
    expect(clock.timerCount).toBe(timers);
  });
});

describe('Mirror, when nothing comes', () => {
  test('a watch that went deaf is noticed within the stall and taken up again', async () => {
    const mirror = await ready({ stall: '30s' });
    const told = recorded(mirror);
    wayward.deafen();
    await real.put('m/a', '1');
    await real.put('m/a', '2');

    await clock.advance(29_999);
    expect(told).toEqual([]);
    await clock.advance(1);

    expect(told).toEqual(['added m/a >1', 'updated m/a 1>2']);
    expect(wayward.countOf('range')).toBe(2);
  });

  test('a watch that stays deaf even when taken up again is made good by a listing', async () => {
    const mirror = await ready({ stall: '30s' });
    wayward.isDeaf = true;
    await real.put('m/a', '1');

    await clock.advance(60_000);

    expect(contents(mirror)).toEqual(['m/a=1']);
  });

  test('silence because nothing happened costs one small read, and moves the revision on', async () => {
    const mirror = await ready({ stall: '30s' });
    wayward.isDeaf = true;
    await real.put('elsewhere', '1');

    await clock.advance(30_000);

    expect(wayward.countOf('range')).toBe(2);
    expect(wayward.watchesBegun).toBe(1);
    expect(mirror.revision).toBe(2);
    expect(mirror.stale).toBe(false);
  });

  test('what was deleted is missed, too', async () => {
    await real.put('m/a', '1');
    const mirror = await ready({ stall: '30s' });
    wayward.deafen();
    await real.delete('m/a');

    await clock.advance(30_000);

    expect(contents(mirror)).toEqual([]);
  });

  test('a store that takes calls and never answers is called stale', async () => {
    const mirror = await ready({ stall: '30s' });
    wayward.deafen();
    wayward.onCall = () => ({ kind: 'hang' });

    await clock.advance(34_999);
    expect(mirror.stale).toBe(false);
    await clock.advance(1);

    expect(mirror.stale).toBe(true);
  });

  test('once such a store answers again, the watch is begun anew as well', async () => {
    const mirror = await ready({ stall: '30s' });
    wayward.deafen();
    wayward.onCall = () => ({ kind: 'hang' });
    await clock.advance(40_000);
    wayward.onCall = () => undefined;

    await clock.advance(10_000);
    await real.put('m/a', '1');
    await settle();

    expect(mirror.stale).toBe(false);
    expect(contents(mirror)).toEqual(['m/a=1']);
  });

  test('a first listing that is never answered is tried again', async () => {
    wayward.onCall = ({ number }) => (number === 1 ? { kind: 'hang' } : undefined);
    const mirror = mirrorOf({ stall: '30s' });
    const waiting = mirror.ready();

    await clock.advance(30_000);

    await waiting;
  });
});

describe('Mirror.ready', () => {
  test('it waits no longer than its timeout, and the mirror goes on trying', async () => {
    wayward.goAway();
    const mirror = mirrorOf();
    const first = mirror.ready({ timeout: '1s' });
    await Promise.all([expect(first).rejects.toThrow(TimeoutError), clock.advance(1_000)]);

    wayward.comeBack();
    await Promise.all([mirror.ready(), clock.advance(5_000)]);
  });

  test('it can be called off', async () => {
    wayward.goAway();
    const controller = new AbortController();
    const waiting = mirrorOf().ready({ signal: controller.signal });

    controller.abort(new Error('changed our mind'));

    await expect(waiting).rejects.toThrow('changed our mind');
  });
});

describe('Mirror.reconcile', () => {
  test('after it the mirror has everything that was written before it, even with a deaf watch', async () => {
    const mirror = await ready();
    wayward.deafen();
    const { revision } = await real.put('m/a', '1');

    await mirror.reconcile();

    expect(contents(mirror)).toEqual(['m/a=1']);
    expect(mirror.revision).toBeGreaterThanOrEqual(revision);
  });

  test('several at once all end', async () => {
    const mirror = await ready();
    wayward.deafen();
    await real.put('m/a', '1');

    await Promise.all([mirror.reconcile(), mirror.reconcile(), mirror.reconcile()]);

    expect(contents(mirror)).toEqual(['m/a=1']);
  });
});

describe('Mirror.reconcile, beside other things', () => {
  /** A mirror that lists again because of a compaction, and is held up after its first page. */
  async function heldUp(mirror: Mirror<string>): Promise<{ release: () => Promise<void> }> {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await real.put('elsewhere', '1');
    const { revision } = await real.put('elsewhere', '2');
    await real.compact(revision);
    const first = wayward.calls.length + 1;
    wayward.onCall = ({ number }) => (number === first ? { kind: 'after', act: () => released } : undefined);
    wayward.breakWatches(new UnavailableError('broken'));
    await settle();
    expect(wayward.countOf('range')).toBe(2);
    return {
      async release() {
        release();
        await settle();
        expect(mirror.stale).toBe(false);
      },
    };
  }

  test('a listing that was under way is not taken for one of another store', async () => {
    await real.put('m/a', '1');
    const mirror = await ready();
    const told = recorded(mirror);
    const listing = await heldUp(mirror);
    await real.put('elsewhere', '3');

    await mirror.reconcile();
    await listing.release();

    expect(told).toEqual(['stale', 'live']);
  });

  test('a listing that was under way before is not believed to be new enough', async () => {
    const mirror = await ready();
    const listing = await heldUp(mirror);
    await real.put('m/a', '1');
    wayward.isDeaf = true;
    const reconciled = mirror.reconcile();
    await settle();
    // The first listing, the one that is held up, and the question: nobody's listing was called off.
    expect(wayward.countOf('range')).toBe(3);

    await listing.release();
    await reconciled;

    expect(contents(mirror)).toEqual(['m/a=1']);
  });

  test('writes that arrive meanwhile need no listing', async () => {
    await real.put('m/a', '1');
    const mirror = await ready();
    const probe = wayward.calls.length + 1;
    const write = async () => {
      await real.put('m/a', '2');
      await settle();
    };
    wayward.onCall = ({ number }) => (number === probe ? { kind: 'after', act: write } : undefined);

    await mirror.reconcile();

    expect(wayward.countOf('range')).toBe(2);
    expect(contents(mirror)).toEqual(['m/a=2']);
  });
});

describe('Mirror.changes', () => {
  test('with the present it begins with everything there is, possibly nothing, then goes on without a gap', async () => {
    const mirror = mirrorOf();
    const changes = mirror.changes({ present: true })[Symbol.asyncIterator]();
    expect(((await changes.next()).value as MirrorDiff<string>).changes).toEqual([]);
    await real.put('m/a', '1');

    const next = (await changes.next()).value as MirrorDiff<string>;

    expect(inWords(next)).toEqual(['added m/a >1']);
    const late = mirror.changes({ present: true })[Symbol.asyncIterator]();
    expect(inWords((await late.next()).value as MirrorDiff<string>)).toEqual(['added m/a >1']);
    await late.return?.();
  });

  test('a slow reader gets one merged diff once it is more than its bound behind', async () => {
    const mirror = await ready({ diffsMax: 4 });
    const [kept, merged] = [mirror.changes(), mirror.changes()].map((one) => one[Symbol.asyncIterator]());
    for (const value of ['1', '2', '3', '4']) await real.put('m/a', value);
    await settle();
    expect(inWords((await kept?.next())?.value as MirrorDiff<string>)).toEqual(['added m/a >1']);

    await real.put('m/b', '5');
    await settle();

    const diff = (await merged?.next())?.value as MirrorDiff<string>;
    expect(inWords(diff)).toEqual(['added m/a >4', 'added m/b >5']);
    expect(diff.revision).toBe(6);
  });

  test('closing ends the readers and leaves no timer behind', async () => {
    const mirror = await ready();
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const diff of mirror.changes()) seen.push(diff);
    })();
    await settle();

    await mirror.close();
    await reading;
    await real.close();

    expect(seen).toEqual([]);
    expect(clock.timerCount).toBe(0);
    await expect(mirrorOf().ready()).rejects.toThrow(ClosedError);
  });

  test('an abort ends one reader with its reason', async () => {
    const mirror = await ready();
    const controller = new AbortController();
    const next = mirror.changes({ signal: controller.signal })[Symbol.asyncIterator]().next();

    controller.abort(new Error('enough'));

    await expect(next).rejects.toThrow('enough');
  });
});

test.each([
  ['pageKeys', { pageKeys: 0 }],
  ['diffsMax', { diffsMax: 1.5 }],
  ['stall', { stall: -1 }],
])('a mirror refuses a %s outside its limits', (field, options) => {
  expect(() => mirrorOf(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field }));
});

/** A store that is one store now and another one later. */
function eitherOf(current: () => Store): Store {
  return new Proxy({} as Store, {
    get(_, name) {
      const value = Reflect.get(current(), name, current()) as unknown;
      return typeof value === 'function' ? (value.bind(current()) as unknown) : value;
    },
  });
}

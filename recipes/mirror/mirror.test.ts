import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../../core/base/bytes.js';
import { ClosedError, UnavailableError } from '../../core/base/errors.js';
import { open } from '../../core/embedded/open.js';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import { contents, MirrorWorld, recorded } from './testing/mirror-world.js';
import type { WaywardStore } from './testing/wayward-store.js';

let world: MirrorWorld;
let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;

beforeEach(async () => {
  world = await MirrorWorld.open();
  ({ clock, real, wayward } = world);
});

afterEach(() => world.close());

describe('Mirror', () => {
  test('it has what the store has, in key order, and nothing from beside its range', async () => {
    for (const key of ['m/b', 'm/a', 'n/x']) await real.put(key, key.slice(2));

    const mirror = await world.ready();

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
    const mirror = world.mirror({ pageKeys: 2 });
    const told = recorded(mirror);

    await mirror.ready();
    expect(contents(mirror)).toEqual(['m/a=old', 'm/b=old', 'm/c=old', 'm/d=old', 'm/e=old']);
    await settle();

    expect(wayward.countOf('range')).toBe(3);
    expect(told.slice(-2)).toEqual(['updated m/e old>new', 'removed m/c old>']);
  });

  test('a page that ends exactly with the last key is the last page', async () => {
    for (const key of ['m/a', 'm/b', 'm/c', 'm/d']) await real.put(key, 'v');

    const mirror = await world.ready({ pageKeys: 2 });

    expect(mirror.entries()).toHaveLength(4);
    expect(wayward.countOf('range')).toBe(2);
  });

  test('it follows what is put, changed and deleted', async () => {
    const mirror = await world.ready();
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
    const mirror = await world.ready({ target: 'm/a' });

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
    const mirror = await world.ready({ decode });
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
    const mirror = await world.ready();
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
    const mirror = await world.ready();
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
    const mirror = await world.ready();
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
    const mirror = await world.ready();
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
    await world.ready();
    wayward.goAway();
    const before = wayward.calls.length + wayward.watchesBegun;

    await clock.advance(60_000);

    expect(wayward.calls.length + wayward.watchesBegun - before).toBeLessThan(40);
  });

  test('a store that comes back emptied is copied anew, although its revisions are lower', async () => {
    for (const value of ['1', '2', '3', '4']) await real.put('m/a', value);
    const other = await open({ memory: true }, { clock });
    await other.put('m/b', '1');
    const mirror = await world.ready();
    const told = recorded(mirror);

    wayward.leadTo(other);
    wayward.breakWatches(new UnavailableError('the connection was lost'));
    await clock.advance(61_000);

    expect(contents(mirror)).toEqual(['m/b=1']);
    expect(told).toContain('removed m/a 4>');
    await mirror.close();
    await other.close();
  });

  test('an error that trying again cannot cure ends it, its readers and those who wait', async () => {
    const mirror = world.mirror();
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

test.each([
  ['pageKeys', { pageKeys: 0 }],
  ['diffsMax', { diffsMax: 1.5 }],
  ['stall', { stall: -1 }],
])('a mirror refuses a %s outside its limits', (field, options) => {
  expect(() => world.mirror(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field }));
});

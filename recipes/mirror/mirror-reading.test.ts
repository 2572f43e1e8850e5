import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ClosedError, TimeoutError, UnavailableError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { MirrorDiff } from './diff.js';
import type { Mirror } from './mirror.js';
import { contents, inWords, MirrorWorld, recorded } from './testing/mirror-world.js';
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

describe('Mirror.ready', () => {
  test('it waits no longer than its timeout, and the mirror goes on trying', async () => {
    wayward.goAway();
    const mirror = world.mirror();
    const first = mirror.ready({ timeout: '1s' });
    await Promise.all([expect(first).rejects.toThrow(TimeoutError), clock.advance(1_000)]);

    wayward.comeBack();
    await Promise.all([mirror.ready(), clock.advance(5_000)]);
  });

  test('it can be called off', async () => {
    wayward.goAway();
    const controller = new AbortController();
    const waiting = world.mirror().ready({ signal: controller.signal });

    controller.abort(new Error('changed our mind'));

    await expect(waiting).rejects.toThrow('changed our mind');
  });
});

describe('Mirror.reconcile', () => {
  test('after it the mirror has everything that was written before it, even with a deaf watch', async () => {
    const mirror = await world.ready();
    wayward.silence();
    const { revision } = await real.put('m/a', '1');

    await mirror.reconcile();

    expect(contents(mirror)).toEqual(['m/a=1']);
    expect(mirror.revision).toBeGreaterThanOrEqual(revision);
  });

  test('several at once all end', async () => {
    const mirror = await world.ready();
    wayward.silence();
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
    const mirror = await world.ready();
    const told = recorded(mirror);
    const listing = await heldUp(mirror);
    await real.put('elsewhere', '3');

    await mirror.reconcile();
    await listing.release();

    expect(told).toEqual(['stale', 'live']);
  });

  test('a listing that was under way before is not believed to be new enough', async () => {
    const mirror = await world.ready();
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
    const mirror = await world.ready();
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
    const mirror = world.mirror();
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
    const mirror = await world.ready({ diffsMax: 4 });
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
    const mirror = await world.ready();
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
    await expect(world.mirror().ready()).rejects.toThrow(ClosedError);
  });

  test('an abort ends one reader with its reason', async () => {
    const mirror = await world.ready();
    const controller = new AbortController();
    const next = mirror.changes({ signal: controller.signal })[Symbol.asyncIterator]().next();

    controller.abort(new Error('enough'));

    await expect(next).rejects.toThrow('enough');
  });
});

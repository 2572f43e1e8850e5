import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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

describe('Mirror, when nothing comes', () => {
  test('a watch that went deaf is noticed within the stall and taken up again', async () => {
    const mirror = await world.ready({ stall: '30s' });
    const told = recorded(mirror);
    wayward.silence();
    await real.put('m/a', '1');
    await real.put('m/a', '2');

    await clock.advance(29_999);
    expect(told).toEqual([]);
    await clock.advance(1);

    expect(told).toEqual(['added m/a >1', 'updated m/a 1>2']);
    expect(wayward.countOf('range')).toBe(2);
  });

  test('a watch that stays deaf even when taken up again is made good by a listing', async () => {
    const mirror = await world.ready({ stall: '30s' });
    wayward.isDeaf = true;
    await real.put('m/a', '1');

    await clock.advance(60_000);

    expect(contents(mirror)).toEqual(['m/a=1']);
  });

  test('silence because nothing happened costs one small read, and moves the revision on', async () => {
    const mirror = await world.ready({ stall: '30s' });
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
    const mirror = await world.ready({ stall: '30s' });
    wayward.silence();
    await real.delete('m/a');

    await clock.advance(30_000);

    expect(contents(mirror)).toEqual([]);
  });

  test('a store that takes calls and never answers is called stale', async () => {
    const mirror = await world.ready({ stall: '30s' });
    wayward.silence();
    wayward.onCall = () => ({ kind: 'hang' });

    await clock.advance(34_999);
    expect(mirror.stale).toBe(false);
    await clock.advance(1);

    expect(mirror.stale).toBe(true);
  });

  test('once such a store answers again, the watch is begun anew as well', async () => {
    const mirror = await world.ready({ stall: '30s' });
    wayward.silence();
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
    const mirror = world.mirror({ stall: '30s' });
    const waiting = mirror.ready();

    await clock.advance(30_000);

    await waiting;
  });
});

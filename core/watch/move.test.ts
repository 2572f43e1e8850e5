import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../base/assert.js';
import { key } from '../base/key-range.js';
import { openHub, takeAll } from './testing/event-log.js';

describe('a hub whose state is replaced by a later one', () => {
  /** A log that went as this one did so far, and then further. */
  function later({ log }: ReturnType<typeof openHub>, ...revisions: readonly string[]) {
    const copy = log.clone();
    for (const changes of revisions) copy.write(...changes.split(' '));
    return copy;
  }

  test('lets a watcher of the present go on with what it missed, and calls it back', () => {
    const world = openHub();
    const { watcher, wakes } = world.watch({ target: key('a') });
    world.write('a=1');
    world.write('b=1');
    takeAll(watcher);

    world.hub.moveTo(later(world, 'a=2', 'b=2', '-a'));

    expect(wakes.count).toBe(2);
    expect(watcher).toMatchObject({ synced: false, revision: 3 });
    expect(takeAll(watcher)).toEqual(['4: a=2', '6: -a']);
    expect(watcher).toMatchObject({ synced: true, revision: 6 });
  });

  test('keeps what waits, and tells the rest after it, without another call', () => {
    const world = openHub();
    const { watcher, wakes } = world.watch({ target: key('a') });
    world.write('a=1');

    world.hub.moveTo(later(world, 'a=2'));

    expect(wakes.count).toBe(1);
    expect(takeAll(watcher)).toEqual(['2: a=1', '3: a=2']);
  });

  test('tells a watcher that was catching up what it has not read yet', () => {
    const world = openHub({ catchUpRevisionsMax: 1 });
    world.write('a=1');
    world.write('a=2');
    const { watcher } = world.watch({ target: key('a'), from: 2 });
    watcher.take();

    world.hub.moveTo(later(world, 'a=3'));

    expect(takeAll(watcher)).toEqual(['3: a=2', '4: a=3']);
  });

  test.each([
    [3, ['3: a=2', '4: a=3']],
    [4, ['4: a=3']],
    [5, []],
  ])('tells a watcher of the future from revision %i on what is then there', (from, expected) => {
    const world = openHub();
    const { watcher, wakes } = world.watch({ target: key('a'), from });

    const next = later(world, 'a=1', 'a=2', 'a=3');
    world.hub.moveTo(next);
    expect(wakes.count).toBe(expected.length > 0 ? 1 : 0);
    expect(takeAll(watcher)).toEqual(expected);

    world.hub.publish([next.write('a=4')]);
    expect(takeAll(watcher)).toEqual(['5: a=4']);
  });

  test.each([
    [2, ['2: a=1', '3: a=2']],
    [3, ['compacted at 3']],
  ])(
    'with compaction at %i tells a watcher what it missed from 2 on, or that it is gone',
    (compactRevision, expected) => {
      const world = openHub();
      const { watcher } = world.watch({ target: key('a') });
      const next = later(world, 'a=1', 'a=2');
      next.compactRevision = compactRevision;

      world.hub.moveTo(next);

      expect(takeAll(watcher)).toEqual(expected);
    },
  );

  test('changes nothing for a watcher that missed nothing', () => {
    const world = openHub();
    const { watcher, wakes } = world.watch({ target: key('a') });
    world.write('a=1');
    takeAll(watcher);

    const next = later(world);
    world.hub.moveTo(next);
    expect(watcher).toMatchObject({ synced: true, revision: 2 });
    expect(wakes.count).toBe(1);

    world.hub.publish([next.write('a=2')]);
    expect(takeAll(watcher)).toEqual(['3: a=2']);
    expect(next.historyReads).toBe(0);
  });

  test('reads the keys as they were before from the new state', () => {
    const world = openHub();
    const { watcher } = world.watch({ target: key('a'), previous: true });
    world.hub.moveTo(later(world, 'a=1', 'a=2'));
    expect(takeAll(watcher)).toEqual(['2: a=1', '3: a=2(1)']);
  });

  test('is at its revision, also where a callback looks, watches and cancels', () => {
    const world = openHub();
    const seen: unknown[] = [];
    const first = world.hub.watch({ target: key('a') }, () => {
      first.cancel();
      second.cancel();
      seen.push(world.hub.publishedRevision, world.hub.watch({ target: key('a') }, () => {}).startRevision);
    });
    const second = world.hub.watch({ target: key('a') }, () => seen.push('cancelled, and yet called'));
    world.hub.moveTo(later(world, 'a=1', 'a=2'));
    expect(seen).toEqual([3, 4]);
  });

  test('by an earlier one is a broken invariant', () => {
    const world = openHub();
    const earlier = later(world);
    world.write('a=1');
    expect(() => world.hub.moveTo(earlier)).toThrow(InvariantError);
  });
});

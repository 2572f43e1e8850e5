import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { ConfigChange } from './config-change.js';
import type { ConfigWatcher } from './config-watcher.js';
import { ConfigWorld, max, type Schema } from './testing/config-world.js';

let world: ConfigWorld;
let clock: ManualClock;
let real: Store;

beforeEach(async () => {
  world = await ConfigWorld.open();
  ({ clock, real } = world);
});

afterEach(() => world.close());

/** A watcher that has the first release, with a maximum of 1, and another process to publish from. */
async function ready(): Promise<{ config: ConfigWatcher<Schema>; publisher: ConfigWatcher<Schema> }> {
  const publisher = world.watcher({ store: real });
  await publisher.publish(max(1));
  const config = world.watcher();
  await config.ready();
  await settle();
  return { config, publisher };
}

/** Everything the watcher tells, as text. */
function recorded(config: ConfigWatcher<Schema>): string[] {
  const told: string[] = [];
  config.on('change', ({ release, current }) => told.push(`${release}: ${current.limits.max}`));
  config.on('rejected', (release) => told.push(`${release} rejected`));
  config.on('stale', (stale) => told.push(stale ? 'stale' : 'fresh'));
  return told;
}

describe('change', () => {
  test('names what differs, and comes after current was swapped', async () => {
    const { config, publisher } = await ready();
    const seen: unknown[] = [];
    config.on('change', (change) => seen.push({ ...change, inForce: config.current === change.current }));

    await publisher.publish({ ...max(2), hosts: ['a'] }, { comment: 'more', author: 'ops' });
    await clock.advance(100);

    expect(seen).toEqual([
      {
        release: 2,
        comment: 'more',
        author: 'ops',
        previous: { limits: { max: 1, min: 0 }, hosts: [] },
        current: { limits: { max: 2, min: 0 }, hosts: ['a'] },
        changes: [
          { path: 'hosts', before: [], after: ['a'] },
          { path: 'limits.max', before: 1, after: 2 },
        ],
        inForce: true,
      },
    ]);
  });

  test('a burst of releases is one change', async () => {
    const { config, publisher } = await ready();
    const told = recorded(config);

    for (const value of [2, 3, 4, 5]) await publisher.publish(max(value));
    await clock.advance(1_000);

    expect(told).toEqual(['5: 5']);
  });

  test('a listener that throws or rejects harms neither the others nor the watcher', async () => {
    const { config, publisher } = await ready();
    config.on('change', () => {
      throw new Error('a bug in a listener');
    });
    config.on('change', () => Promise.reject(new Error('another')));
    const told = recorded(config);

    for (const value of [2, 3]) {
      await publisher.publish(max(value));
      await clock.advance(1_000);
    }

    expect(told).toEqual(['2: 2', '3: 3']);
    expect(world.logged.filter((line) => line === 'a listener threw')).toHaveLength(4);
  });

  test('a slow listener keeps other listeners waiting, never the configuration', async () => {
    const { config, publisher } = await ready();
    let finish = () => {};
    const busy = new Promise<void>((resolve) => (finish = resolve));
    const order: string[] = [];
    config.on('change', async ({ release }) => {
      order.push(`slow begins ${release}`);
      await busy;
      order.push(`slow ends ${release}`);
    });
    config.on('change', ({ release, previous }) => order.push(`next hears ${release} after ${previous?.limits.max}`));

    for (const value of [2, 3, 4]) {
      await publisher.publish(max(value));
      await clock.advance(10_000);
    }
    expect(config.current.limits.max).toBe(4);
    expect(order).toEqual(['slow begins 2']);
    expect(world.logged).toContain('a listener is slow; the other ones wait for it');
    finish();
    await settle();

    expect(order).toEqual([
      'slow begins 2',
      'slow ends 2',
      'next hears 2 after 1',
      'slow begins 4',
      'slow ends 4',
      'next hears 4 after 2',
    ]);
  });

  test('once hears one, off hears none', async () => {
    const { config } = await ready();
    const heard: string[] = [];
    const off = () => heard.push('off');
    config
      .once('change', () => heard.push('once'))
      .on('change', off)
      .off('change', off);

    await config.publish(max(2));
    await config.publish(max(3));
    await settle();

    expect(heard).toEqual(['once']);
  });

  test('a listener may publish', async () => {
    const { config } = await ready();
    config.on('change', async ({ current }) => {
      if (current.limits.max < 4) await config.publish(max(current.limits.max + 1));
    });

    await config.publish(max(2));
    await clock.advance(1_000);

    expect(config.current.limits.max).toBe(4);
  });

  test('the first release is a change from nothing', async () => {
    const config = world.watcher({ initial: max(1) });
    const first = new Promise<ConfigChange<Schema>>((resolve) => config.once('change', resolve));

    const change = await first;

    expect(change).not.toHaveProperty('previous');
    expect(change.changes).toEqual([{ path: '', after: { limits: { max: 1, min: 0 }, hosts: [] } }]);
  });
});

describe('changes', () => {
  test('gives each change to who keeps up', async () => {
    const { config } = await ready();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { release } of config.changes()) if (seen.push(release) === 3) break;
    })();

    for (const value of [2, 3, 4]) {
      await config.publish(max(value));
      await settle();
    }
    await reading;

    expect(seen).toEqual([2, 3, 4]);
  });

  test('gives who is far behind one change for many', async () => {
    const { config } = await ready();
    const changes = config.changes();
    for (let value = 2; value <= 18; value += 1) await config.publish(max(value));

    const change = (await changes.next()).value as ConfigChange<Schema>;

    expect(change).toMatchObject({ release: 18, previous: { limits: { max: 1 } } });
    expect(change.changes).toEqual([{ path: 'limits.max', before: 1, after: 18 }]);
  });

  test('end when the watcher is disposed, and at an abort with its reason', async () => {
    const { config } = await ready();
    const controller = new AbortController();
    const aborted = config.changes({ signal: controller.signal }).next();
    const ended = config.changes().next();

    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await config.dispose();

    expect((await ended).done).toBe(true);
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ClosedError, TimeoutError, UnavailableError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { WaywardStore } from '../mirror/testing/wayward-store.js';
import { ConfigWatcher } from './config-watcher.js';
import { ConfigNotReadyError, InvalidConfigError } from './errors.js';
import { ConfigWorld, max, schema, type Schema } from './testing/config-world.js';

let world: ConfigWorld;
let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;

beforeEach(async () => {
  world = await ConfigWorld.open();
  ({ clock, real, wayward } = world);
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

/** Publishes what this schema refuses, as a program with another schema would. */
const publishBad = (document: unknown = { limits: { max: -1 } }) =>
  world.watcherOf(z.any(), { store: real }).publish(document);

describe('ready', () => {
  test('publishes what is given as initial if nothing was published yet', async () => {
    const config = world.watcher({ initial: max(5) });

    await config.ready();

    expect(config.current).toEqual({ limits: { max: 5, min: 0 }, hosts: [] });
    expect(await config.history()).toMatchObject([{ release: 1, document: max(5), comment: 'initial' }]);
  });

  test('of many at once publishes one initial, and all have it', async () => {
    const configs = [1, 2, 3, 4].map((value) => world.watcher({ initial: max(value) }));

    await Promise.all(configs.map((config) => config.ready()));

    expect(new Set(configs.map(({ current }) => current.limits.max)).size).toBe(1);
    expect(await configs[0]?.history()).toHaveLength(1);
  });

  test('leaves the initial where something was published, even if the pointer was deleted since', async () => {
    await world.watcher({ store: real }).publish(max(1));
    const config = world.watcher({ initial: max(5) });
    await config.ready();
    expect(config.current.limits.max).toBe(1);

    await real.delete('conclave/cfg/payments/current');
    const late = world.watcher({ initial: max(5) });

    await expect(world.turning(late.ready({ timeout: '1m' }))).rejects.toThrow(TimeoutError);
  });

  test('waits for the first release where no initial is given', async () => {
    const config = world.watcher();
    const waiting = config.ready();
    await settle();
    expect(() => config.current).toThrow(ConfigNotReadyError);

    await world.watcher({ store: real }).publish(max(1));

    await waiting;
    expect(config.current.limits.max).toBe(1);
  });

  test('can be bounded and called off, and the watcher goes on', async () => {
    const config = world.watcher();
    const controller = new AbortController();
    const calledOff = config.ready({ signal: controller.signal });
    controller.abort(new Error('changed our mind'));

    await expect(calledOff).rejects.toThrow('changed our mind');
    await expect(world.turning(config.ready({ timeout: '2s' }))).rejects.toThrow(TimeoutError);
    await world.watcher({ store: real }).publish(max(1));
    await config.ready();
  });

  test('says what is wrong with the release in force, and succeeds once a good one follows', async () => {
    await publishBad();
    const config = world.watcher();

    await expect(config.ready()).rejects.toMatchObject({ code: 'INVALID_CONFIG', issues: [{ path: 'limits.max' }] });
    await world.watcher({ store: real }).publish(max(2));
    await settle();

    await config.ready();
    expect(config.current.limits.max).toBe(2);
  });

  test('says what is wrong with the initial', async () => {
    const config = world.watcher({ initial: max(-1) });

    await expect(config.ready()).rejects.toThrow(InvalidConfigError);
    await world.watcher({ store: real }).publish(max(2));
    await settle();

    await config.ready();
    expect(config.current.limits.max).toBe(2);
  });

  test('waits while the store is away', async () => {
    wayward.goAway();
    const config = world.watcher({ initial: max(5) });
    const waiting = config.ready();
    await clock.advance(60_000);

    wayward.comeBack();

    await world.turning(waiting);
    expect(config.current.limits.max).toBe(5);
  });

  test('reads again when a release could not be read', async () => {
    await world.watcher({ store: real }).publish(max(1));
    let reads = 0;
    wayward.onCall = ({ method }) =>
      method === 'get' && (reads += 1) <= 3 ? { kind: 'fail', error: new UnavailableError('away') } : undefined;
    const config = world.watcher();

    await world.turning(config.ready({ timeout: '5s' }));

    expect(reads).toBe(4);
  });
});

describe('current', () => {
  test('is what the schema made of it, deeply frozen, and one object until it changes', async () => {
    const { config } = await ready();

    expect(config.current).toEqual({ limits: { max: 1, min: 0 }, hosts: [] });
    expect(Object.isFrozen(config.current.limits)).toBe(true);
    expect(Object.isFrozen(config.current.hosts)).toBe(true);
    expect(config.current).toBe(config.current);
    expect(config.release).toBe(1);
  });

  test('follows what others publish, soon after', async () => {
    const { config, publisher } = await ready();

    await publisher.publish(max(2));
    await clock.advance(99);
    expect(config.current.limits.max).toBe(1);
    await clock.advance(1);

    expect(config.current.limits.max).toBe(2);
  });

  test('is what was published here as soon as publish has resolved', async () => {
    const { config } = await ready();

    await config.publish(max(7));

    expect(config.current.limits.max).toBe(7);
    expect(config.release).toBe(2);
  });

  test('stays as it was when a release is invalid, and follows the next good one', async () => {
    const { config, publisher } = await ready();
    const told = recorded(config);

    await publishBad();
    await clock.advance(1_000);
    expect(config.current.limits.max).toBe(1);
    expect(config.rejected).toMatchObject({ release: 2, error: { code: 'INVALID_CONFIG' } });
    expect(config.stale).toBe(false);
    await clock.advance(10 * 60_000);

    await publisher.publish(max(3));
    await clock.advance(1_000);

    expect(told).toEqual(['2 rejected', '3: 3']);
    expect(config.rejected).toBeUndefined();
  });

  test('is read before it is ready by nobody', () => {
    const config = world.watcher();

    expect(() => config.current).toThrow(expect.objectContaining({ code: 'CONFIG_NOT_READY' }));
    expect(() => config.release).toThrow(ConfigNotReadyError);
  });

  test('stays when the release in force is missing, which is told', async () => {
    const { config } = await ready();
    const told = recorded(config);

    await real.put('conclave/cfg/payments/current', '17');
    await clock.advance(1_000);

    expect(told).toEqual(['17 rejected']);
    expect(config.rejected?.error.code).toBe('RELEASE_NOT_FOUND');
    expect(config.current.limits.max).toBe(1);
  });

  test('passes by a release that was pruned before it could be read', async () => {
    const { config } = await ready();
    const told = recorded(config);
    const publisher = world.watcher({ store: real, history: 1 });
    let reads = 0;
    const publishMore = async () => {
      await publisher.publish(max(3));
      await publisher.publish(max(4));
    };
    wayward.onCall = ({ method }) =>
      method === 'get' && (reads += 1) === 1 ? { kind: 'before', act: publishMore } : undefined;

    await publisher.publish(max(2));
    await clock.advance(1_000);

    expect(told).toEqual(['4: 4']);
  });

  test('stays when the pointer is nonsense or deleted, and is stale then', async () => {
    const { config, publisher } = await ready();
    const told = recorded(config);

    await real.put('conclave/cfg/payments/current', 'nonsense');
    await clock.advance(1_000);
    expect(config).toMatchObject({ stale: true, release: 1 });
    await real.delete('conclave/cfg/payments/current');
    await publisher.publish(max(2));
    await clock.advance(1_000);

    expect(told).toEqual(['stale', 'fresh', '2: 2']);
  });

  test('is never set back, not even by a store that was', async () => {
    const { config } = await ready();
    for (const value of [2, 3, 4]) await config.publish(max(value));
    const other = await ConfigWorld.open();
    await other.watcher({ store: other.real }).publish(max(9));
    const told = recorded(config);

    wayward.leadTo(other.real);
    wayward.breakWatches(new UnavailableError('broken'));
    await clock.advance(120_000);

    expect(config.current.limits.max).toBe(4);
    expect(config.rejected?.error.code).toBe('CONFIG_DOWNGRADE');
    expect(told).toContain('1 rejected');
    wayward.leadTo(real);
    await other.close();
  });
});

describe('while the store is away', () => {
  test('the last good release stays, and says that it is stale; then it catches up', async () => {
    const { config, publisher } = await ready();
    const told = recorded(config);

    wayward.goAway();
    await publisher.publish(max(2));
    await clock.advance(60_000);
    expect(config).toMatchObject({ stale: true, release: 1 });
    wayward.comeBack();
    await clock.advance(10_000);

    expect(told).toEqual(['stale', 'fresh', '2: 2']);
    expect(config.stale).toBe(false);
  });

  test('a compaction changes nothing', async () => {
    const { config, publisher } = await ready();

    wayward.goAway();
    for (const value of [2, 3, 4]) await publisher.publish(max(value));
    await real.compact((await real.range('x')).revision);
    wayward.comeBack();
    await clock.advance(10_000);

    expect(config.current.limits.max).toBe(4);
  });

  test('a change that the watch does not tell is found by reconciling', async () => {
    const { config, publisher } = await ready();
    wayward.isDeaf = true;
    wayward.silence();

    await publisher.publish(max(2));
    await clock.advance(61_000);

    expect(config.current.limits.max).toBe(2);
  });
});

describe('a schema', () => {
  const answering = (validate: (value: unknown) => unknown) =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as never;

  test('may take its time, and may make something else of a document', async () => {
    const stretched = z.object({ at: z.coerce.date() }).refine(async () => {
      await settle();
      return true;
    });
    const config = world.watcherOf(stretched, { initial: { at: '2026-11-21' } });

    await config.ready();

    expect(config.current.at).toEqual(new Date('2026-11-21'));
    const change = config.changes().next();
    await config.publish({ at: '2026-11-21' });
    expect((await change).value).toMatchObject({ release: 2, changes: [] });
  });

  test('that throws rejects, and the next release has its chance', async () => {
    const odd = answering((value) => {
      if ((value as { fine?: boolean }).fine) return { value };
      throw new Error('a bug in the schema');
    });
    await publishBad({ fine: true });
    const config = world.watcherOf(odd);
    await config.ready();

    await publishBad({});
    await clock.advance(1_000);
    expect(config.rejected?.error.message).toContain('a bug in the schema');
    await publishBad({ fine: true, more: 1 });
    await clock.advance(1_000);

    expect(config.current).toEqual({ fine: true, more: 1 });
  });

  test('that never answers rejects after half a minute', async () => {
    const config = world.watcherOf(answering(() => new Promise(() => {})));
    await publishBad({});

    await expect(world.turning(config.ready())).rejects.toThrow(/longer than 30000 ms/);
  });

  test('that changes what it is given changes nothing else', async () => {
    const greedy = answering((value) => {
      (value as { max: number }).max = 0;
      return { value };
    });
    const document = { max: 5 };

    await world.watcherOf(greedy).publish(document as never);

    expect(document).toEqual({ max: 5 });
    expect(await world.watcherOf(z.any()).history()).toMatchObject([{ document: { max: 5 } }]);
  });
});

describe('dispose', () => {
  test('ends everything, leaves current readable, and no timer', async () => {
    const { config, publisher } = await ready();
    await publisher.dispose();

    await Promise.all([config.dispose(), config.dispose()]);

    expect(config.current.limits.max).toBe(1);
    await expect(config.ready()).rejects.toThrow(ClosedError);
    await expect(config.publish(max(2))).rejects.toThrow(ClosedError);
    await expect(config.history()).rejects.toThrow(ClosedError);
    await real.close();
    expect(clock.timerCount).toBe(0);
  });

  test('ends those who wait', async () => {
    const config = world.watcher();
    const waiting = config.ready();
    await settle();

    await Promise.all([expect(waiting).rejects.toThrow(ClosedError), config.dispose()]);
  });

  test('a listener may dispose', async () => {
    const { config } = await ready();
    const done = new Promise<void>((resolve) => config.on('change', () => config.dispose().then(resolve)));

    await config.publish(max(2));

    await done;
  });

  test('a store that is closed is told to those who wait', async () => {
    const config = world.watcher();
    await real.close();

    await expect(config.ready()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

test.each([
  ['ConfigWatcher.name', { schema }],
  ['ConfigWatcher.schema', { name: 'x' }],
  ['name', { name: '/x', schema }],
  ['history', { name: 'x', schema, history: 0 }],
  ['debounce', { name: 'x', schema, debounce: -1 }],
  ['reconcile', { name: 'x', schema, reconcile: 999 }],
  ['offlineAfter', { name: 'x', schema, offlineAfter: Number.NaN }],
])('a watcher without a good %s is refused by that name', (field, options) => {
  expect(() => new ConfigWatcher(real, options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field }));
});

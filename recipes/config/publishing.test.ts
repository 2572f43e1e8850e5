import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { toText } from '../../core/base/bytes.js';
import { TimeoutError, UnavailableError } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { WaywardStore } from '../mirror/testing/wayward-store.js';
import type { ConfigWatcher } from './config-watcher.js';
import { ConfigConflictError, ReleaseNotFoundError } from './errors.js';
import { ConfigWorld, max, type Schema } from './testing/config-world.js';

const KEYS = 'conclave/cfg/payments/';

let world: ConfigWorld;
let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;
let config: ConfigWatcher<Schema>;

beforeEach(async () => {
  world = await ConfigWorld.open();
  ({ clock, real, wayward } = world);
  config = world.watcher();
});

afterEach(() => world.close());

const keys = async () => (await real.range(prefix(KEYS))).kvs.map(({ key }) => toText(key).slice(KEYS.length));
const releases = async () => (await config.history()).map(({ release }) => release);

describe('publish', () => {
  test('writes the release and the pointer to it in one revision', async () => {
    const release = await config.publish(max(1), { comment: 'first', author: 'ops' });

    const { kvs } = await real.range(prefix(KEYS));
    expect(await keys()).toEqual(['current', 'rel/000000000001']);
    expect(new Set(kvs.map(({ modRevision }) => modRevision)).size).toBe(1);
    expect(release).toMatchObject({ release: 1, document: max(1), comment: 'first', author: 'ops' });
  });

  test('says by itself who published, and when', async () => {
    const { author, since } = await config.publish(max(1));

    expect(author).toContain(String(process.pid));
    expect(new Date(since).getTime()).not.toBeNaN();
  });

  test('of what the schema refuses publishes nothing, and names every path', async () => {
    const wrong = { limits: { max: -1 }, hosts: 7 } as never;

    await expect(config.publish(wrong)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      issues: [{ path: 'limits.max' }, { path: 'hosts' }],
    });
    expect(wayward.calls).toEqual([]);
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  test.each<[string, unknown, string]>([
    ['', undefined, 'undefined'],
    ['limits.max', { limits: { max: undefined } }, 'undefined'],
    ['limits.max', { limits: { max: Number.NaN } }, 'NaN'],
    ['limits.max', { limits: { max: 1n } }, 'bigint'],
    ['hosts.1', { hosts: ['a', () => {}] }, 'function'],
    ['hosts.1', { hosts: ['a', , 'b'] }, 'undefined'],
    ['at', { at: new Date(0) }, 'Date'],
    ['at.0', { at: [new Map()] }, 'Map'],
    ['self', cycle, 'itself'],
  ])('of what JSON cannot hold names the path %j', async (path, document, what) => {
    const any = world.watcherOf(z.any());

    const refused = any.publish(document);

    await expect(refused).rejects.toMatchObject({ code: 'INVALID_CONFIG', issues: [{ path }] });
    await expect(refused).rejects.toThrow(what);
    expect(wayward.calls).toEqual([]);
  });

  test('takes a document as deep as the bound, and none that is deeper', async () => {
    const any = world.watcherOf(z.any());
    const deep = (depth: number): unknown => (depth === 0 ? 'end' : { in: deep(depth - 1) });

    await any.publish(deep(100));
    await expect(any.publish(deep(101))).rejects.toThrow('nested more than 100 deep');
  });

  test('under the condition of a release publishes if that is in force, else says which one is', async () => {
    await config.publish(max(1), { ifRelease: 0 });
    await config.publish(max(2), { ifRelease: 1 });

    await expect(config.publish(max(3), { ifRelease: 1 })).rejects.toMatchObject({
      code: 'CONFIG_CONFLICT',
      expected: 1,
      found: 2,
    });
    expect(await releases()).toEqual([2, 1]);
  });

  test('of two with one condition at one moment lets one through', async () => {
    await config.publish(max(1));
    const other = world.watcher({ store: real });

    const outcomes = await Promise.allSettled([
      config.publish(max(2), { ifRelease: 1 }),
      other.publish(max(3), { ifRelease: 1 }),
    ]);

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await releases()).toEqual([2, 1]);
  });

  test('of many without a condition lets all through, one after the other', async () => {
    const publishers = Array.from({ length: 10 }, () => world.watcher({ store: real }));

    const published = await Promise.all(publishers.map((publisher, at) => publisher.publish(max(at + 1))));

    expect(published.map(({ release }) => release).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await releases()).toHaveLength(10);
  });

  test('whose answer was lost is recognised, not repeated', async () => {
    await config.publish(max(1));
    wayward.onCall = loseReplyOfPublication();

    const release = await world.turning(config.publish(max(2), { ifRelease: 1 }));

    expect(release.release).toBe(2);
    expect(await releases()).toEqual([2, 1]);
  });

  test('whose answer was lost is recognised even if others have followed', async () => {
    wayward.onCall = loseReplyOfPublication();
    const publishing = config.publish(max(1));
    await settle();
    await world.watcher({ store: real }).publish(max(2));

    expect((await world.turning(publishing)).release).toBe(1);
    expect(await releases()).toEqual([2, 1]);
  });

  test('whose answer was lost, and that was pruned since, is unknown and not repeated', async () => {
    config = world.watcher({ history: 1 });
    wayward.onCall = loseReplyOfPublication();
    const publishing = config.publish(max(1));
    publishing.catch(() => undefined);
    await settle();
    await world.watcher({ store: real, history: 1 }).publish(max(2));
    await world.watcher({ store: real, history: 1 }).publish(max(3));

    wayward.onCall = () => undefined;
    await expect(world.turning(publishing)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await releases()).toEqual([3]);
  });

  test('that is called off while it is on its way is published once, or not at all', async () => {
    let arrive = () => {};
    const until = new Promise<void>((resolve) => (arrive = resolve));
    wayward.onCall = ({ txn }) => (txn?.compares.length ? { kind: 'deliverLate', until } : undefined);
    await expect(world.turning(config.publish(max(1), { timeout: '1s' }))).rejects.toThrow(TimeoutError);
    wayward.onCall = () => undefined;

    await config.publish(max(2));
    arrive();
    await settle();

    expect((await config.history()).map(({ document }) => document)).toEqual([max(2)]);
  });

  test('is in force here when it has resolved, even if it could not be read back at first', async () => {
    await config.publish(max(1));
    await world.turning(config.ready());
    let failures = 0;
    wayward.onCall = ({ method, txn }) => {
      if (txn?.compares.length) failures = 12;
      if (method !== 'get' || failures === 0) return undefined;
      failures -= 1;
      return { kind: 'fail', error: new UnavailableError('not now') };
    };

    const { release } = await world.turning(config.publish(max(2)));

    expect(failures).toBe(0);
    expect(config.release).toBe(release);
  });

  test('ends when the store is closed before it could be read back', async () => {
    await config.publish(max(1));
    await world.turning(config.ready());
    let isPublished = false;
    wayward.onCall = ({ method, txn }) => {
      if (txn?.compares.length) isPublished = true;
      return isPublished && method === 'get' ? { kind: 'fail', error: new UnavailableError('not now') } : undefined;
    };
    const publishing = config.publish(max(2));
    await clock.advance(1_000);

    await real.close();

    expect((await world.turning(publishing)).release).toBe(2);
    expect(config.release).toBe(1);
  });

  test('waits while the store is away', async () => {
    wayward.goAway();
    const publishing = config.publish(max(1));
    await clock.advance(20_000);

    wayward.comeBack();

    expect((await world.turning(publishing)).release).toBe(1);
  });

  /** The first transaction that publishes is carried out, and its answer is lost. */
  function loseReplyOfPublication(): WaywardStore['onCall'] {
    let hasLost = false;
    return ({ txn }) => {
      if (hasLost || !txn?.compares.length) return undefined;
      hasLost = true;
      return { kind: 'loseReply' };
    };
  }
});

describe('history', () => {
  test('keeps as many releases as it is told, pruned with the publication', async () => {
    config = world.watcher({ history: 3 });
    for (const value of [1, 2, 3]) await config.publish(max(value));
    expect(await releases()).toEqual([3, 2, 1]);

    await config.publish(max(4));

    expect(await releases()).toEqual([4, 3, 2]);
    expect(await keys()).toEqual(['current', 'rel/000000000002', 'rel/000000000003', 'rel/000000000004']);
  });

  test('keeps 50 by default', async () => {
    for (let value = 1; value <= 51; value += 1) await config.publish(max(value));

    expect(await releases()).toHaveLength(50);
  });

  test('gives the newest first, as many as are asked for, across pages', async () => {
    for (let value = 1; value <= 20; value += 1) await config.publish(max(value));

    expect(await releases()).toEqual(Array.from({ length: 20 }, (_, at) => 20 - at));
    expect((await config.history({ limit: 10 })).map(({ release }) => release)).toHaveLength(10);
    expect(await config.history({ limit: 1 })).toMatchObject([{ release: 20 }]);
  });

  test('leaves out what is no release', async () => {
    await config.publish(max(1));
    await real.put(`${KEYS}rel/000000000000`, 'nonsense');

    expect(await releases()).toEqual([1]);
  });

  test('a release is not overwritten, even if the pointer was deleted while another one was published', async () => {
    const other = world.watcher({ store: real });
    let hasMeddled = false;
    const meddle = async () => {
      await other.publish(max(1));
      await real.delete(`${KEYS}current`);
    };
    wayward.onCall = ({ txn }) => {
      if (hasMeddled || !txn?.compares.length) return undefined;
      hasMeddled = true;
      return { kind: 'before', act: meddle };
    };

    await config.publish(max(2));

    expect((await config.history()).map(({ document }) => document)).toEqual([max(2), max(1)]);
  });

  test('gives no number out twice, even if the pointer was deleted', async () => {
    await config.publish(max(1));
    await config.publish(max(2));
    await real.delete(`${KEYS}current`);

    expect((await config.publish(max(3))).release).toBe(3);
    expect((await config.history()).map(({ document }) => document)).toEqual([max(3), max(2), max(1)]);
  });
});

describe('rollback', () => {
  test('publishes the older document as a new release, and undoes nothing', async () => {
    await config.publish(max(1));
    await config.publish(max(2));

    const release = await config.rollback(1);

    expect(release).toMatchObject({ release: 3, document: max(1), rollbackOf: 1, comment: 'rollback to release 1' });
    expect(await releases()).toEqual([3, 2, 1]);
    await config.ready();
    expect(config.current.limits.max).toBe(1);
  });

  test('to a release that is not there says so', async () => {
    await config.publish(max(1));

    await expect(config.rollback(7)).rejects.toThrow(ReleaseNotFoundError);
  });

  test('to a document that the schema no longer accepts publishes nothing', async () => {
    await world.watcherOf(z.any()).publish({ limits: 'none' });
    await config.publish(max(2));

    await expect(config.rollback(1)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    expect(await releases()).toEqual([2, 1]);
  });

  test('keeps to its condition', async () => {
    await config.publish(max(1));
    await config.publish(max(2));

    await expect(config.rollback(1, { ifRelease: 1 })).rejects.toThrow(ConfigConflictError);
  });
});

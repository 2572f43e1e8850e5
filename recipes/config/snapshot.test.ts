import type { StandardSchemaV1 } from '@standard-schema/spec';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { UnavailableError } from '../../core/base/errors.js';
import { silentLogger } from '../../core/base/logger.js';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { WaywardStore } from '../mirror/testing/wayward-store.js';
import { until } from '../testing/until.js';
import type { Release } from './release.js';
import { SnapshotFile } from './snapshot-file.js';
import { ConfigWorld, max } from './testing/config-world.js';

type Max = ReturnType<typeof max>;

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'));
  path = join(folder, 'deep', 'payments.json');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('SnapshotFile', () => {
  const release = (number: number): Release => ({
    release: number,
    document: { number },
    author: 'ops',
    since: '',
    publicationId: `p${number}`,
  });
  const file = (config = 'cfg') => new SnapshotFile(path, config, silentLogger);
  const save = async (revision: number) => {
    const one = file();
    one.save({ release: release(revision), revision });
    await one.settled();
  };

  test('gives back what was saved, from a folder that it makes, readable by the owner alone', async () => {
    await save(7);

    expect(await file().load()).toMatchObject({ release: release(7), revision: 7 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('leaves nothing beside the file', async () => {
    await save(1);
    await save(2);

    expect(await readdir(join(folder, 'deep'))).toEqual(['payments.json']);
  });

  test('an older release does not take the place of a newer one', async () => {
    await save(7);
    await save(6);

    expect((await file().load())?.revision).toBe(7);
  });

  test('of several that are saved at once the last one stays', async () => {
    const one = file();
    for (const revision of [1, 2, 3, 4]) one.save({ release: release(revision), revision });

    await one.settled();

    expect((await one.load())?.revision).toBe(4);
  });

  test.each<[string, (text: string) => string]>([
    ['is empty', () => ''],
    ['is no JSON', () => 'nonsense\nmore'],
    ['was cut off', (text) => text.slice(0, -9)],
    ['was edited', (text) => text.replace('"number":7', '"number":8')],
    ['has another format', (text) => text.replace('"format":1', '"format":2')],
  ])('a file that %s is not used, and is replaced', async (_, damage) => {
    await save(7);
    await writeFile(path, damage(await readFile(path, 'utf8')));
    expect(await file().load()).toBeUndefined();

    await save(8);

    expect((await file().load())?.revision).toBe(8);
  });

  test('the file of another configuration is not used', async () => {
    await save(7);

    expect(await file('another').load()).toBeUndefined();
  });

  test('a file that is not there is no reason to complain', async () => {
    expect(await file().load()).toBeUndefined();
  });
});

describe('a watcher with a snapshot', () => {
  let world: ConfigWorld;
  let clock: ManualClock;
  let real: Store;
  let wayward: WaywardStore;

  beforeEach(async () => {
    world = await ConfigWorld.open();
    ({ clock, real, wayward } = world);
  });

  afterEach(() => world.close());

  /** An earlier life, which leaves a snapshot with a maximum of 1. */
  async function earlierLife(): Promise<void> {
    const config = world.watcher({ snapshot: path, initial: max(1), store: real });
    await config.ready();
    await config.dispose();
  }

  const watcher = () => world.watcher({ snapshot: path, offlineAfter: '3s' });

  test('keeps each good release in the file, as it was published', async () => {
    await earlierLife();

    const [, body = ''] = (await readFile(path, 'utf8')).split('\n');
    expect(JSON.parse(body)).toMatchObject({ release: { release: 1, document: max(1) } });
  });

  test('starts from it when the store is away, marked stale until the store has confirmed it', async () => {
    await earlierLife();
    wayward.goAway();
    const config = watcher();
    const told: string[] = [];
    config.on('stale', (stale) => told.push(stale ? 'stale' : 'fresh'));
    config.on('change', ({ release }) => told.push(`change ${release}`));

    await config.ready();
    expect(config.current.limits.max).toBe(1);
    expect(config.stale).toBe(true);
    wayward.comeBack();
    await clock.advance(10_000);

    expect(config.stale).toBe(false);
    expect(told).toEqual(['stale', 'change 1', 'fresh']);
  });

  test('follows what was published meanwhile once the store is back', async () => {
    await earlierLife();
    await world.watcher({ store: real }).publish(max(2));
    wayward.goAway();
    const config = watcher();
    await config.ready();
    expect(config.current.limits.max).toBe(1);

    wayward.comeBack();
    await clock.advance(10_000);

    expect(config).toMatchObject({ release: 2, stale: false });
  });

  test('prefers a store that answers, even a little late', async () => {
    await earlierLife();
    await world.watcher({ store: real }).publish(max(2));
    const config = watcher();

    await config.ready();

    expect(config.current.limits.max).toBe(2);
  });

  test('uses it when the store takes too long to answer', async () => {
    await earlierLife();
    wayward.onCall = () => ({ kind: 'hang' });
    const config = watcher();
    const waiting = config.ready();
    await clock.advance(2_999);
    expect(() => config.current).toThrow();

    await clock.advance(1);
    await waiting;

    expect(config.stale).toBe(true);
  });

  test('does not take it for what was published meanwhile', async () => {
    await earlierLife();
    let gets = 0;
    let isPublished = false;
    let answer!: () => void;
    const until = new Promise<void>((resolve) => (answer = resolve));
    wayward.onCall = ({ number, method, txn }) => {
      if (txn?.compares.length) isPublished = true;
      if (method === 'get' && isPublished) gets += 1;
      if (number === 1) return { kind: 'hang' };
      if (gets === 2) return { kind: 'before', act: () => until };
      return gets === 1 ? { kind: 'fail', error: new UnavailableError('not now') } : undefined;
    };
    const config = watcher();
    const waiting = config.ready();
    await settle();
    let isOver = false;
    const publishing = config.publish(max(2)).finally(() => (isOver = true));
    await clock.advance(3_000);
    await waiting;
    await settle();
    expect(config.current.limits.max).toBe(1);
    expect(isOver).toBe(false);

    answer();
    await world.turning(publishing);

    expect(config.current.limits.max).toBe(2);
  });

  test('leaves it when the store answers that nothing was published', async () => {
    await earlierLife();
    const empty = world.watcher({ name: 'payments', snapshot: path, store: real });
    await real.delete('conclave/cfg/payments/current');
    const waiting = empty.ready({ timeout: '30s' });

    await expect(world.turning(waiting)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('does not put it in place of what the store said while it was being looked at', async () => {
    await earlierLife();
    await world.watcher({ store: real }).publish(max(2));
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let asked = 0;
    const validate = async (value: unknown) => {
      if ((asked += 1) === 1) await held;
      return { value: value as Max };
    };
    const slowAtFirst: StandardSchemaV1<Max> = { '~standard': { version: 1, vendor: 'test', validate } };
    wayward.goAway();
    const config = world.watcherOf(slowAtFirst, { snapshot: path });
    const waiting = config.ready();
    await until(() => asked === 1);
    wayward.comeBack();
    await clock.advance(10_000);
    await waiting;

    release();
    await settle();

    expect(config).toMatchObject({ release: 2, stale: false });
  });

  test('uses it when the release in force is invalid: it is the last good one', async () => {
    await earlierLife();
    await world.watcherOf(z.any(), { store: real }).publish({ limits: 'none' });
    const config = watcher();

    await config.ready();

    expect(config).toMatchObject({ release: 1, stale: true, rejected: { release: 2 } });
  });

  test('never goes back to an older release than that in the file', async () => {
    await earlierLife();
    for (const value of [2, 3]) await world.watcher({ store: real, snapshot: path }).publish(max(value));
    const latest = world.watcher({ store: real, snapshot: path });
    await latest.ready();
    await latest.dispose();
    const other = await ConfigWorld.open();
    await other.watcher({ store: other.real }).publish(max(9));
    wayward.goAway();
    const config = watcher();
    await config.ready();

    wayward.leadTo(other.real);
    wayward.comeBack();
    await clock.advance(10_000);

    expect(config.current.limits.max).toBe(3);
    expect(config).toMatchObject({ stale: true, rejected: { error: { code: 'CONFIG_DOWNGRADE' } } });
    wayward.leadTo(real);
    await other.close();
  });

  test('does without one that the schema no longer accepts', async () => {
    await earlierLife();
    wayward.goAway();
    const narrower = world.watcherOf(z.object({ limits: z.object({ max: z.number().min(100) }) }), { snapshot: path });
    const waiting = narrower.ready({ timeout: '20s' });

    await expect(world.turning(waiting)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('works on where the file cannot be written', async () => {
    await writeFile(join(folder, 'deep'), 'a file where the folder should be');
    const config = world.watcher({ snapshot: path, initial: max(1) });

    await config.ready();
    await until(() => world.logged.includes('the snapshot could not be written'));
    await config.publish(max(2));

    expect(config.current.limits.max).toBe(2);
  });
});

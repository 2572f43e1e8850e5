import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { WaywardStore } from '../mirror/testing/wayward-store.js';
import type { ConfigWatcher } from './config-watcher.js';
import { ConfigWorld, max, type Schema } from './testing/config-world.js';

let world: ConfigWorld;
let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;
let operator: ConfigWatcher<Schema>;

beforeEach(async () => {
  world = await ConfigWorld.open();
  ({ clock, real, wayward } = world);
  operator = world.watcher({ store: real });
});

afterEach(() => world.close());

async function reporting(): Promise<ConfigWatcher<Schema>> {
  const config = world.watcher({ report: true, ttl: '10s', initial: max(1) });
  await config.ready();
  await settle();
  return config;
}

test('an operator sees which release each process has applied', async () => {
  const config = await reporting();
  await reporting();
  expect(await operator.instances()).toMatchObject([
    { release: 1, status: 'applied' },
    { release: 1, status: 'applied' },
  ]);

  await config.publish(max(2));
  await clock.advance(1_000);

  const reports = await operator.instances();
  expect(reports.map(({ release }) => release)).toEqual([2, 2]);
  expect(new Set(reports.map(({ instance }) => instance)).size).toBe(2);
  expect(reports[0]?.owner).toContain(`(${process.pid})`);
});

test('an operator sees who rejected what, why, and what is in force there', async () => {
  await reporting();

  await world.watcherOf(z.any(), { store: real }).publish({ limits: { max: -1 } });
  await clock.advance(1_000);

  const reports = await operator.instances();
  expect(reports).toMatchObject([{ release: 2, status: 'rejected', inForce: 1 }]);
  expect(reports[0]?.error).toContain('limits.max');
});

test('a report is gone with its process, and at once when that ends cleanly', async () => {
  const config = await reporting();
  await reporting();

  await config.dispose();
  expect(await operator.instances()).toHaveLength(1);
  wayward.goAway();
  await clock.advance(12_000);

  expect(await operator.instances()).toEqual([]);
});

test('a report comes back after the session was lost', async () => {
  const config = await reporting();
  wayward.goAway();
  await clock.advance(60_000);
  expect(await operator.instances()).toEqual([]);

  wayward.comeBack();
  await clock.advance(60_000);

  expect(config.release).toBe(1);
  expect(await operator.instances()).toMatchObject([{ release: 1, status: 'applied' }]);
});

test('without the option nothing is reported, and no lease is held', async () => {
  const config = world.watcher({ initial: max(1) });
  await config.ready();
  await settle();

  expect(await operator.instances()).toEqual([]);
  expect(await real.leases()).toEqual([]);
});

test('keys that are no reports are left out', async () => {
  await real.put('conclave/cfg/payments/seen/foreign', '{"release":"x"}');
  await real.put('conclave/cfg/payments/seen/foreign2', 'nonsense');

  expect(await operator.instances()).toEqual([]);
});

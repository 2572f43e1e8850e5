import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectGrpc } from '../../core/client/grpc-store.js';
import type { Store } from '../../core/store.js';
import { type EtcdProcess, findEtcd, startEtcd } from '../../core/testing/etcd-process.js';
import { recipeStores } from '../testing/stores.js';
import { until } from '../testing/until.js';
import { mutexContract } from './mutex.contract.js';
import { Mutex } from './mutex.js';

for (const store of recipeStores()) mutexContract(store);

(findEtcd() === undefined ? describe.skip : describe)('a mutex on an etcd that goes away', () => {
  let etcd: EtcdProcess;
  let store: Store;

  beforeAll(async () => {
    etcd = await startEtcd();
    store = await connectGrpc([{ host: etcd.host, port: etcd.port }]);
  });
  afterAll(async () => {
    await store.close();
    await etcd.stop();
  });

  test.each([
    ['is killed and started again', () => etcd.restart()],
    ['is frozen for a while', freeze],
  ])('keeps holder and waiter when it %s within the TTL', async (what, goAway) => {
    await using one = new Mutex(store, { name: what, ttl: '20s' });
    await using other = new Mutex(store, { name: what, ttl: '20s' });
    const held = await one.acquire();
    const next = other.acquire({ timeout: '25s' });
    await until(async () => (await one.inspect()).waiters.length === 1);

    await goAway();

    held.assertHeld();
    expect(await held.release()).toBe('released');
    expect((await next).fencingToken).toBeGreaterThan(held.fencingToken);
  });

  async function freeze(): Promise<void> {
    etcd.pause();
    const endMs = performance.now() + 1_500;
    await until(() => performance.now() > endMs);
    etcd.resume();
  }
});

/** Recipes on a store that takes only so many operations a second: they become slower, and nothing else. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { connectGrpc } from '../../core/client/grpc-store.js';
import { open } from '../../core/embedded/open.js';
import type { Store } from '../../core/store.js';
import { BarrierQueue } from '../barrier-queue/barrier-queue.js';
import { items } from '../barrier-queue/release.js';
import { Election } from '../election/election.js';
import { Mutex } from '../mutex/mutex.js';

const RULE = { prefix: 'conclave/', perSecond: 40, burst: 2 } as const;
const closing: Store[] = [];

afterEach(async () => {
  for (const store of closing.splice(0).reverse()) await store.close();
});

async function embedded(): Promise<Store> {
  const store = await open({ memory: true }, { rateLimits: [RULE], listen: 'http://127.0.0.1:0' });
  closing.push(store);
  return store;
}

async function client(): Promise<Store> {
  const { clientUrl } = (await embedded()) as Awaited<ReturnType<typeof open>>;
  const { hostname: host, port } = new URL(clientUrl as string);
  const store = await connectGrpc([{ host, port: Number(port) }]);
  closing.push(store);
  return store;
}

describe.each([
  ['embedded', embedded],
  ['over the network', client],
])('on a store %s with a rate limit', (_, connect) => {
  test('a mutex lets in one after the other', async () => {
    const store = await connect();
    let [inside, entered] = [0, 0];
    const work = async (mutex: Mutex) => {
      await using held = await mutex.acquire({ timeout: '20s' });
      held.assertHeld();
      expect((inside += 1)).toBe(1);
      entered += 1;
      inside -= 1;
    };

    const mutexes = [1, 2, 3].map(() => new Mutex(store, { name: 'orders' }));
    await Promise.all([...mutexes, ...mutexes].map(work));

    expect(entered).toBe(6);
  }, 30_000);

  test('an election elects, and a queue delivers', async () => {
    const store = await connect();
    const leadership = await new Election(store, { name: 'boss' }).campaign();
    const queue = new BarrierQueue<number>(store, { name: 'shards', release: items(3) });
    for (const item of [1, 2, 3]) await queue.put(item);
    const taken: number[] = [];
    const done = new AbortController();
    await queue.run(
      async ({ item }) => {
        if (taken.push(item) === 3) done.abort();
      },
      { concurrency: 1, signal: done.signal },
    );

    expect(taken.sort()).toEqual([1, 2, 3]);
    await leadership.resign();
  }, 30_000);
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Store } from '../../core/store.js';
import { put } from '../../core/txn.js';
import { FaultyStore } from '../testing/faulty-store.js';
import type { RecipeStore } from '../testing/stores.js';
import { until } from '../testing/until.js';
import { BarrierQueue } from './barrier-queue.js';
import type { Delivery } from './delivery.js';
import { all, any, items, key, linger, manual, type Release } from './release.js';

/** What a barrier queue keeps on every store, in real time: that of an etcd's leases, whose shortest TTL is two seconds. */
export function barrierQueueContract(on: RecipeStore): void {
  describe(`a barrier queue on ${on.name}`, () => {
    let store: Store;
    let namesMade = 0;

    beforeAll(async () => {
      store = await on.open();
    });
    afterAll(() => on.close());

    /** The same queue as each of several processes has it. */
    function queues(count: number, release: Release, attempts = 10): BarrierQueue<string>[] {
      const name = `contract-${(namesMade += 1)}`;
      return Array.from(
        { length: count },
        () => new BarrierQueue<string>(store, { name, release, attempts, ttl: '2s' }),
      );
    }

    const disposeAll = (all: readonly BarrierQueue<string>[]) => Promise.all(all.map((queue) => queue.dispose()));

    async function takeOne(queue: BarrierQueue<string>): Promise<Delivery<string>> {
      for await (const delivery of queue.consume({ timeout: '20s' })) return delivery;
      throw new Error('the loop ended');
    }

    test('shares each round among its consumers, one item to one of them, round after round', async () => {
      const everybody = queues(6, items(10));
      const [producer, ...consumers] = everybody as [BarrierQueue<string>, ...BarrierQueue<string>[]];
      const holding = new Set<string>();
      const handled: { item: string; round: number }[] = [];
      const stop = new AbortController();
      const runs = consumers.map((queue) =>
        queue.run(
          async ({ item, round, attempt }) => {
            expect(holding.has(item)).toBe(false);
            expect(attempt).toBe(1);
            holding.add(item);
            await new Promise(setImmediate);
            handled.push({ item, round });
            holding.delete(item);
          },
          { concurrency: 2, signal: stop.signal },
        ),
      );

      try {
        await Promise.all(Array.from({ length: 9 }, (_, i) => producer.put(`${i}`)));
        expect(await producer.status()).toMatchObject({ round: 1, state: 'closed', ready: 9 });
        expect(handled).toEqual([]);
        for (let i = 9; i < 20; i += 1) await producer.put(`${i}`);
        await until(() => handled.length === 20);
        await until(async () => (await producer.status()).round === 3);
      } finally {
        // Where a put's outcome stays unknown, the test is tried again, and nobody of this attempt may still be at work.
        stop.abort();
        await Promise.allSettled(runs);
      }
      await Promise.all(runs);

      expect(new Set(handled.map(({ item }) => item)).size).toBe(20);
      expect(handled.map(({ round }) => round)).toEqual(Array.from({ length: 20 }, (_, i) => (i < 10 ? 1 : 2)));
      expect(await producer.status()).toMatchObject({ state: 'closed', ready: 0, claimed: 0, next: 0, dead: 0 });
      await disposeAll(everybody);
    });

    test('hands out in the order of putting', async () => {
      const [queue] = queues(1, items(5)) as [BarrierQueue<string>];
      const put = ['e', 'd', 'c', 'b', 'a'];
      for (const item of put) await queue.put(item);

      const taken: string[] = [];
      for await (const delivery of queue.consume()) {
        taken.push(delivery.item);
        await delivery.ack();
        if (taken.length === put.length) break;
      }

      expect(taken).toEqual(put);
      await queue.dispose();
    });

    test('is opened once by five who open it at once', async () => {
      const openers = queues(5, manual());
      await openers[0]?.put('a');

      const answers = await Promise.all(openers.map((queue) => queue.open()));

      expect(answers.filter(({ opened }) => opened)).toHaveLength(1);
      await disposeAll(openers);
    });

    test('opens once, whoever of ten producers puts the last item', async () => {
      const producers = queues(10, items(10));

      const answers = await Promise.all(producers.map((queue, i) => queue.put(`${i}`)));

      expect(answers.map(({ position }) => position).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(await producers[0]?.status()).toMatchObject({ round: 1, state: 'open', ready: 10 });
      await disposeAll(producers);
    });

    test('waits for a key, and lingers', async () => {
      const release = any(all(items(1), key(`ready-${on.name}`)), linger('2s'));
      const [producer, consumer] = queues(2, release) as [BarrierQueue<string>, BarrierQueue<string>];
      await producer.put('a');
      const lingering = await takeOne(consumer);
      await lingering.ack();
      await producer.put('b');
      const taking = takeOne(consumer);
      await store.put(`ready-${on.name}`, 'yes');

      expect((await taking).item).toBe('b');
      await disposeAll([producer, consumer]);
    });

    test('hands the item of a consumer that was cut off to another, and refuses what the first still tries', async () => {
      const cutOff = new FaultyStore(store);
      const [other] = queues(1, items(1)) as [BarrierQueue<string>];
      const first = new BarrierQueue<string>(cutOff, { name: other.name, release: items(1), ttl: '2s' });
      await other.put('a');
      const stale = await takeOne(first);
      cutOff.onCall = () => ({ kind: 'hang' });

      const next = await takeOne(other);

      expect(stale.signal.aborted).toBe(true);
      expect(next.attempt).toBe(2);
      cutOff.onCall = () => undefined;
      await expect(stale.ack(store.txn().do(put('stale', 'yes')))).rejects.toMatchObject({ code: 'HOLD_LOST' });
      expect(await store.get('stale')).toBeUndefined();
      await next.ack();
      expect(await other.status()).toMatchObject({ round: 2, ready: 0 });
      await disposeAll([first, other]);
    }, 30_000);

    test('keeps what failed too often, and drives it again', async () => {
      const [queue] = queues(1, items(1), 2) as [BarrierQueue<string>];
      await queue.put('a', { id: 'one' });
      await (await takeOne(queue)).nack({ delay: '50ms', reason: 'first' });
      await (await takeOne(queue)).nack({ reason: 'second' });

      const [letter] = await queue.deadLetters();
      expect(letter).toMatchObject({ id: 'one', item: 'a', attempts: 2, reason: 'second' });
      if (letter) await queue.redrive(letter);
      await (await takeOne(queue)).ack();

      expect(await queue.status()).toMatchObject({ ready: 0, dead: 0 });
      await queue.dispose();
    });
  });
}

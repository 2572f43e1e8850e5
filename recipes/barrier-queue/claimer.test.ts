import { expect, test } from '@jest/globals';
import { seededPrng } from '../../core/base/prng.js';
import type { Call } from '../testing/faulty-store.js';
import { openWorld } from '../testing/world.js';
import { BarrierQueue } from './barrier-queue.js';
import { items } from './release.js';

const COUNT = 100;
const STEPS_MAX = 200;

const isClaim = ({ txn }: Call) =>
  txn?.success.some((operation) => operation.type === 'put' && Buffer.from(operation.key).includes('/q/claim/')) ??
  false;

/** Lets so many processes, each as fast as the others, drain one round. */
async function drain(consumerCount: number) {
  const world = await openWorld();
  const options = { name: 'shards', release: items(COUNT) };
  const stores = Array.from({ length: consumerCount }, () => world.elsewhere());
  const consumers = stores.map(
    (store, index) => new BarrierQueue<number>(store, { ...options, prng: seededPrng(index) }),
  );
  const handled: number[] = [];
  const runs = consumers.map((queue) => queue.run(({ item }) => handled.push(item)));
  const producer = new BarrierQueue<number>(world.store, options);
  for (let number = 0; number < COUNT; number += 1) await producer.put(number);

  for (let step = 0; step < STEPS_MAX && handled.length < COUNT; step += 1) await world.clock.advance(1);

  const claimCount = stores.flatMap(({ calls }) => calls).filter(isClaim).length;
  await Promise.all([...consumers, producer].map((queue) => queue.dispose()));
  await Promise.all(runs);
  await world.close();
  return { handled, claimCount };
}

test('a lone consumer takes items strictly in order, with one transaction each', async () => {
  const { handled, claimCount } = await drain(1);

  expect(handled).toEqual(Array.from({ length: COUNT }, (_, number) => number));
  expect(claimCount).toBe(COUNT);
});

test.each([
  [5, 1.6],
  [20, 3],
])('%d consumers who wake at once try at most %d times for an item, and take each once', async (count, triesMax) => {
  const { handled, claimCount } = await drain(count);

  expect(handled.toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, number) => number));
  expect(claimCount).toBeLessThanOrEqual(triesMax * COUNT);
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openWorld, type World } from '../testing/world.js';
import { BarrierQueue } from './barrier-queue.js';
import type { Delivery } from './delivery.js';
import { all, items, linger, manual, type Release } from './release.js';

const QUEUE = 'conclave/bq/shards';

let world: World;
let queues: BarrierQueue<string>[];

beforeEach(async () => {
  world = await openWorld();
  queues = [];
});
afterEach(async () => {
  const disposing = Promise.all(queues.map((queue) => queue.dispose()));
  await world.clock.advance(120_000);
  await disposing;
  await world.close();
});

function queueOf(release: Release = items(1)): BarrierQueue<string> {
  const queue = new BarrierQueue<string>(world.inner, { name: 'shards', ttl: '5s', release });
  queues.push(queue);
  return queue;
}

/** The next item, if one comes within ten seconds. */
async function takeOne(queue: BarrierQueue<string>): Promise<Delivery<string>> {
  const taking = (async () => {
    for await (const delivery of queue.consume({ timeout: '10s' })) return delivery;
    throw new Error('the loop ended');
  })();
  taking.catch(() => undefined);
  await world.clock.advance(11_000);
  return taking;
}

describe('a mark without a lease', () => {
  test.each(['claim', 'wait'])('(%s) keeps no item from being handed out and dealt with', async (part) => {
    await world.inner.put(`${QUEUE}/q/${part}/0000000001/a`, 'foreign');
    const queue = queueOf();
    await queue.put('one', { id: 'a' });

    const delivery = await takeOne(queue);
    await delivery.ack();

    expect(delivery.item).toBe('one');
    expect(await queue.status()).toMatchObject({ round: 2, ready: 0 });
  });

  test('(linger) keeps no round from being opened', async () => {
    const queue = queueOf(linger('2s'));
    await queue.put('one');
    await world.inner.put(`${QUEUE}/q/linger/0000000001`, 'foreign');

    await world.clock.advance(5_000);

    expect((await takeOne(queue)).item).toBe('one');
  });

  test('(seen) keeps no item from being put', async () => {
    await world.inner.put(`${QUEUE}/seen/a`, '{"round":7}');

    expect(await queueOf(items(2)).put('one', { id: 'a', dedupeFor: '1m' })).toMatchObject({ round: 1, added: true });
  });
});

describe('a key among the items that is none', () => {
  test.each([
    ['with a slash', 'a/b'],
    ['of a round that is written otherwise', '../1/a'],
    ['that is no text', '\xff\xfe'],
  ])('%s does not keep a drained round open', async (_, end) => {
    const key = Buffer.concat([Buffer.from(`${QUEUE}/q/item/0000000001/`), Buffer.from(end, 'latin1')]);
    await world.inner.put(key, 'foreign');
    const queue = queueOf();
    await queue.put('one');

    const first = await takeOne(queue);
    const next = takeOne(queue);
    await first.ack();
    await queue.put('two');

    expect(first.item).toBe('one');
    expect(await next).toMatchObject({ item: 'two', round: 2 });
    expect((await world.inner.get(key))?.version).toBe(1);
  });

  test('does not count towards a round that is to be full', async () => {
    for (const end of ['x/y', 'x/z', '%zz']) await world.inner.put(`${QUEUE}/q/item/0000000001/${end}`, 'foreign');
    const queue = queueOf(items(2));

    await queue.put('one');
    expect(await queue.status()).toMatchObject({ state: 'closed' });
    await queue.put('two');

    expect(await queue.status()).toMatchObject({ state: 'open' });
  });
});

describe('an item that no queue wrote', () => {
  test.each(['nonsense', '{}', `{"item":${'['.repeat(5_000)}${']'.repeat(5_000)}}`])(
    '(%.20s) goes to the dead letters, and the next one is handed out',
    async (value) => {
      await world.inner.put(`${QUEUE}/q/item/0000000001/foreign`, value);
      const queue = queueOf();
      await queue.put('ours');

      expect((await takeOne(queue)).item).toBe('ours');
      expect(await queue.deadLetters()).toMatchObject([{ id: 'foreign', item: value }]);
    },
  );
});

describe('attempts that no consumer wrote', () => {
  test.each(['nonsense', '{"attempt":-5}', '{"attempt":1e999}'])('(%s) count as none', async (value) => {
    const queue = queueOf(all(items(1), manual()));
    await queue.put('one', { id: 'a' });
    await world.inner.put(`${QUEUE}/q/try/0000000001/a`, value);
    await queue.open();

    expect(await takeOne(queue)).toMatchObject({ item: 'one', attempt: 1 });
  });
});

describe('a gate that no queue wrote', () => {
  test('over a round that is being drained lets the rest of it be handed out', async () => {
    const queue = queueOf(items(3));
    for (const item of ['one', 'two', 'three']) await queue.put(item);
    const first = await takeOne(queue);
    await world.inner.put(`${QUEUE}/q/gate`, '{"round":"x"}');
    await first.ack();

    const rest = [await takeOne(queue), await takeOne(queue)];
    for (const delivery of rest) await delivery.ack();

    expect(rest.map(({ item }) => item)).toEqual(['two', 'three']);
    expect(await queue.status()).toMatchObject({ round: 2, state: 'closed' });
  });

  test('and of which the store remembers nothing else follows from the items', async () => {
    const queue = queueOf(items(3));
    for (const item of ['one', 'two', 'three']) await queue.put(item);
    const delivery = await takeOne(queue);
    const { revision } = await world.inner.put(`${QUEUE}/q/gate`, '7');
    await world.inner.compact(revision);

    expect(await queue.status()).toMatchObject({ round: 1, state: 'open' });
    await delivery.ack();
  });

  test('over a round that gathers leaves it gathering, in the same round', async () => {
    const queue = queueOf(items(2));
    for (const item of ['one', 'two']) await queue.put(item);
    for (const _ of [1, 2]) await (await takeOne(queue)).ack();
    await queue.put('three');
    await world.inner.put(`${QUEUE}/q/gate`, Buffer.from([0xff, 0]));

    expect(await queue.status()).toMatchObject({ round: 2, state: 'closed', ready: 1 });
    expect(await queue.put('four')).toMatchObject({ round: 2, added: true });

    expect(await queue.status()).toMatchObject({ round: 2, state: 'open' });
  });
});

describe('dead letters', () => {
  test('that no queue wrote are left out, and take no place of others', async () => {
    for (const end of ['x', '0000000001/a/b', '0000000001/a']) await world.inner.put(`${QUEUE}/dead/${end}`, 'foreign');
    await world.inner.put(`${QUEUE}/q/item/0000000001/b`, 'not ours');
    const queue = queueOf();
    await queue.put('ours');
    await takeOne(queue);

    expect(await queue.deadLetters({ limit: 1 })).toMatchObject([{ id: 'b', item: 'not ours' }]);
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { settle } from '../../core/testing/manual-clock.js';
import { openWorld, track, type World } from '../testing/world.js';
import { BarrierQueue, type BarrierQueueOptions } from './barrier-queue.js';
import { all, any, items, linger } from './release.js';
import { currentHeld } from '../mutex/current-held.js';

let world: World;
let opened: { dispose(): Promise<void> }[];

beforeEach(async () => {
  world = await openWorld();
  opened = [];
});
afterEach(async () => {
  const disposing = Promise.all(opened.map((queue) => queue.dispose()));
  await world.clock.advance(60_000);
  await disposing;
  expect(await world.inner.leases()).toEqual([]);
  expect(world.store.watchCount).toBe(0);
  await world.close();
});

function queueOf<T = string, I = T>(options: BarrierQueueOptions<T, I> = {}): BarrierQueue<T, I> {
  const queue = new BarrierQueue<T, I>(world.store, { name: 'shards', release: items(1), ...options });
  opened.push(queue);
  return queue;
}

describe('what is outside its limits is refused by name', () => {
  const refusals: [what: string, make: () => unknown, message: RegExp][] = [
    ['no items', () => items(0), /items/],
    ['half an item', () => items(1.5), /items/],
    ['a linger of nothing', () => linger(0), /linger/],
    ['two lingers', () => queueOf({ release: any(linger('1s'), all(items(1), linger('2s'))) }), /one linger/],
    ['all of nothing', () => all(), /all/],
    ['any of nothing', () => any(), /any/],
    ['no attempt', () => queueOf({ attempts: 0 }), /attempts/],
    ['no release', () => new BarrierQueue<string>(world.store, { name: 'shards' }), /BarrierQueue\.release/],
    ['no name', () => new BarrierQueue<string>(world.store, { release: items(1) }), /BarrierQueue\.name/],
    ['a name that ends in a slash', () => queueOf({ name: 'shards/' }), /name/],
  ];
  test.each(refusals)('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  const rejections: [what: string, act: (queue: BarrierQueue<string>) => Promise<unknown>][] = [
    ['an empty id', (queue) => queue.put('a', { id: '' })],
    ['a negative time to remember', (queue) => queue.put('a', { dedupeFor: -1 })],
    ['a list of no dead letters', (queue) => queue.deadLetters({ limit: 0 })],
    ['a concurrency of 0', (queue) => queue.run(() => {}, { concurrency: 0 })],
    ['a concurrency of a half', (queue) => queue.run(() => {}, { concurrency: 0.5 })],
  ];
  test.each(rejections)('%s', async (_, act) => {
    await expect(act(queueOf())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await world.keys()).toEqual([]);
  });

  test('and the least that is inside is taken', async () => {
    const queue = queueOf({ release: items(1), attempts: 1 });
    await queue.put('a', { id: 'x', dedupeFor: 1 });
    for await (const delivery of queue.consume()) {
      await delivery.nack();
      break;
    }

    expect(await queue.deadLetters({ limit: 1 })).toMatchObject([{ id: 'x', attempts: 1 }]);
  });
});

describe('an item', () => {
  const lost: [value: unknown, path: string][] = [
    [undefined, 'item'],
    [new Date(0), 'item'],
    [{ price: Number.NaN }, 'item.price'],
    [{ lines: [1, 2n] }, 'item.lines[1]'],
    [{ when: { at: new Map() } }, 'item.when.at'],
  ];
  test.each(lost)('that JSON would lose or change is refused, saying where: %p', async (value, path) => {
    await expect(queueOf<unknown>().put(value)).rejects.toMatchObject({ code: 'ITEM_NOT_JSON', path });
    expect(await world.keys()).toEqual([]);
  });

  test('that contains itself is refused, and one that is in there twice is not', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const twice = { a: 1 };

    await expect(queueOf<unknown>().put(circle)).rejects.toMatchObject({ code: 'ITEM_NOT_JSON', path: 'item.self' });
    await queueOf<unknown>().put([twice, twice]);
  });

  test('is checked by the schema when it is put, and made by it when it is consumed', async () => {
    const schema = z.object({ at: z.string().transform((text) => text.length) });
    const queue = queueOf<{ at: number }, { at: string }>({ item: schema });

    await expect(queue.put({ at: 3 } as never)).rejects.toMatchObject({ code: 'ITEM_INVALID' });
    await queue.put({ at: 'four' });

    for await (const delivery of queue.consume()) {
      expect(delivery.item).toEqual({ at: 4 });
      break;
    }
  });

  test("that the consumer's schema refuses goes to the dead letters, and those behind it are handed out", async () => {
    const producer = queueOf({ release: items(2) });
    await producer.put('bad', { id: 'bad' });
    await producer.put('good', { id: 'good' });
    const consumer = queueOf({ release: items(2), item: z.literal('good') as unknown as z.ZodType<string> });

    for await (const delivery of consumer.consume()) {
      expect(delivery.item).toBe('good');
      break;
    }
    expect(await producer.deadLetters()).toMatchObject([{ id: 'bad', item: 'bad' }]);
  });
});

describe('a run', () => {
  test('acknowledges what its handler returns from, and hands it the hold', async () => {
    const queue = queueOf();
    const seen: string[] = [];
    const stop = new AbortController();
    const running = queue.run((delivery) => void seen.push(`${delivery.item} ${currentHeld() === delivery}`), {
      signal: stop.signal,
    });
    await queue.put('a');
    await settle();
    stop.abort();
    await running;

    expect(seen).toEqual(['a true']);
    expect(await queue.status()).toMatchObject({ round: 2, ready: 0 });
  });

  test('gives back what its handler throws at, after a rest, and tells', async () => {
    const queue = queueOf();
    const attempts: number[] = [];
    const failures: unknown[] = [];
    queue.on('failed', (_, error) => failures.push(error));
    const stop = new AbortController();
    const error = new Error('broken');
    const handle = ({ attempt }: { attempt: number }) => {
      attempts.push(attempt);
      if (attempt === 1) throw error;
    };
    const running = queue.run(handle, { retryDelay: () => '2s', signal: stop.signal });
    await queue.put('a');

    await world.clock.advance(1_999);
    expect(attempts).toEqual([1]);
    await world.clock.advance(1);
    stop.abort();
    await running;

    expect(attempts).toEqual([1, 2]);
    expect(failures).toEqual([error]);
    expect(await queue.status()).toMatchObject({ round: 2, ready: 0 });
  });

  test('leaves what its handler has dealt with itself', async () => {
    const queue = queueOf({ attempts: 1 });
    const stop = new AbortController();
    const running = queue.run((delivery) => delivery.nack({ reason: 'by hand' }), { signal: stop.signal });
    await queue.put('a');
    await settle();
    stop.abort();
    await running;

    expect(await queue.deadLetters()).toMatchObject([{ reason: 'by hand' }]);
  });

  test('ends with the queue, when its handlers are done', async () => {
    const queue = queueOf();
    let pass = () => {};
    const running = track(queue.run(() => new Promise<void>((resolve) => (pass = resolve))));
    await queue.put('a');
    await settle();

    const disposing = track(queue.dispose());
    await settle();
    expect([running.done, disposing.done]).toEqual([false, false]);
    pass();
    await settle();

    expect([running.done, disposing.done]).toEqual([true, true]);
    expect(await world.keys('conclave/bq/shards/q/item/')).toEqual([]);
    await expect(queue.put('b')).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a loop', () => {
  test('throws if no item comes in time, and leaves nothing', async () => {
    const taking = track(queueOf().consume({ timeout: '3s' }).next());

    await world.clock.advance(3_000);

    expect(taking.error).toMatchObject({ code: 'TIMEOUT' });
  });

  test('ends when its queue is disposed of, which gives back what it holds', async () => {
    const queue = queueOf({ release: items(2) });
    await queue.put('a');
    await queue.put('b');
    const loop = queue.consume();
    const { value } = await loop.next();

    await queue.dispose();

    expect(await loop.next()).toEqual({ done: true, value: undefined });
    expect(value?.signal.aborted).toBe(true);
    expect(await world.keys('conclave/bq/shards/q/claim/')).toEqual([]);
  });
});

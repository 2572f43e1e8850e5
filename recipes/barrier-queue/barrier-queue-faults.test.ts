import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { OutcomeUnknownError, UnavailableError } from '../../core/base/errors.js';
import type { Operation } from '../../core/base/operation.js';
import { put } from '../../core/txn.js';
import { settle } from '../../core/testing/manual-clock.js';
import type { Call, Fault, FaultyStore } from '../testing/faulty-store.js';
import { openWorld, track, type World } from '../testing/world.js';
import { BarrierQueue, type BarrierQueueOptions } from './barrier-queue.js';
import type { Delivery } from './delivery.js';
import { any, items, linger, manual, type Release } from './release.js';

let world: World;
let queues: BarrierQueue<string>[];

beforeEach(async () => {
  world = await openWorld();
  queues = [];
});
afterEach(async () => {
  world.store.onCall = () => undefined;
  const disposing = Promise.all(queues.map((queue) => queue.dispose()));
  await world.clock.advance(120_000);
  await disposing;
  expect(await world.inner.leases()).toEqual([]);
  await world.close();
});

function queueOf(release: Release, store: FaultyStore, options: BarrierQueueOptions<string> = {}) {
  const queue = new BarrierQueue<string>(store, { name: 'shards', ttl: '5s', release, ...options });
  queues.push(queue);
  return queue;
}

async function takeOne(queue: BarrierQueue<string>): Promise<Delivery<string>> {
  for await (const delivery of queue.consume()) return delivery;
  throw new Error('the loop ended');
}

const isItemPut = ({ txn }: Call) =>
  txn?.success.some((operation) => operation.type === 'put' && textOf(operation.key).includes('/q/item/')) ?? false;

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** Lets a fault befall the first calls of a kind. */
function befall(store: FaultyStore, isMeant: (call: Call) => boolean, ...faults: readonly Fault[]): void {
  const left = [...faults];
  store.onCall = (call) => (isMeant(call) ? left.shift() : undefined);
}

/** From now on nothing that this process asks is answered. */
function cutOff(store: FaultyStore): void {
  store.onCall = () => ({ kind: 'hang' });
}

describe('a put', () => {
  test('whose answer is lost recognises its item, and opens the gate', async () => {
    const queue = queueOf(items(1), world.store);
    befall(world.store, isItemPut, { kind: 'loseReply' });

    expect(await queue.put('a', { id: 'one' })).toEqual({ id: 'one', round: 1, position: 1, added: true });

    expect(await queue.status()).toMatchObject({ state: 'open', ready: 1, next: 0 });
  });

  test('whose answer is lost does not take the item of another put for its own', async () => {
    const queue = queueOf(items(3), world.store);
    await queueOf(items(3), world.elsewhere()).put('theirs', { id: 'one' });
    befall(world.store, isItemPut, { kind: 'loseReply' });

    expect(await queue.put('ours', { id: 'one' })).toMatchObject({ position: 1, added: false });
  });

  test('that was lost twice is repeated, and after the third time its outcome is unknown', async () => {
    const queue = queueOf(items(3), world.store);
    befall(world.store, isItemPut, { kind: 'loseRequest' }, { kind: 'loseRequest' });
    expect(await queue.put('a')).toMatchObject({ position: 1, added: true });

    befall(world.store, isItemPut, { kind: 'loseRequest' }, { kind: 'loseRequest' }, { kind: 'loseRequest' });
    await expect(queue.put('b')).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await queue.status()).toMatchObject({ ready: 1 });
  });

  test('whose item was dealt with before it heard of it does not put it twice', async () => {
    const queue = queueOf(items(1), world.store);
    const other = queueOf(items(1), world.elsewhere());
    const dealtWith: Fault = {
      kind: 'after',
      act: async () => {
        await (await takeOne(other)).ack();
        throw new OutcomeUnknownError('txn');
      },
    };
    befall(world.store, isItemPut, dealtWith);
    await expect(queue.put('a', { id: 'one' })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await queue.status()).toMatchObject({ round: 2, ready: 0, next: 0 });

    befall(world.store, isItemPut, dealtWith);
    expect(await queue.put('b', { id: 'two', dedupeFor: '5s' })).toMatchObject({ added: true, position: 0 });
    expect(await queue.status()).toMatchObject({ round: 3, ready: 0, next: 0 });
  });

  test('that arrives after its round was opened by others is refused by the store, and put into the next', async () => {
    const queue = queueOf(items(2), world.store);
    const other = queueOf(items(2), world.elsewhere());
    await other.put('a');
    befall(world.store, isItemPut, { kind: 'before', act: () => other.put('b') });

    expect(await queue.put('c')).toMatchObject({ round: 2, position: 1, added: true });
  });

  test.each([
    ['a consumer', (queue: BarrierQueue<string>) => takeOne(queue)],
    ['the next producer', (queue: BarrierQueue<string>) => queue.put('c')],
    ['whoever puts the same again', (queue: BarrierQueue<string>) => queue.put('b', { id: 'last' })],
    ['a hand', (queue: BarrierQueue<string>) => queue.open()],
  ])('of a producer that dies before it opens the gate leaves that to others: %s', async (_, act) => {
    const dying = world.elsewhere();
    const producer = queueOf(items(2), dying);
    await producer.put('a');
    befall(dying, isItemPut, {
      kind: 'after',
      act: () => {
        dying.onCall = () => ({ kind: 'fail', error: new UnavailableError('dead') });
      },
    });
    expect(await producer.put('b', { id: 'last' })).toMatchObject({ position: 2 });
    const other = queueOf(items(2), world.elsewhere());
    expect(await other.status()).toMatchObject({ state: 'closed', ready: 2 });

    await act(other);

    expect(await other.status()).toMatchObject({ round: 1, state: 'open' });
    dying.onCall = () => undefined;
  });

  test('called off at any call leaves a queue that works, and no lease that outlives its time', async () => {
    const release = any(items(16), linger('2s'));
    for (let n = 1; ; n += 1) {
      const store = world.elsewhere();
      const queue = queueOf(release, store, { name: `called-off-${n}` });
      const controller = new AbortController();
      let isReached = false;
      store.onCall = ({ number }) => {
        if (number !== n) return undefined;
        isReached = true;
        queueMicrotask(() => controller.abort(new Error('enough')));
        return { kind: 'hangAfter' };
      };
      const putting = track(queue.put('a', { id: 'one', dedupeFor: '1s', signal: controller.signal }));
      await world.clock.advance(100);
      store.onCall = () => undefined;
      if (!isReached) break;

      await queue.put('a', { id: 'one' });
      await world.clock.advance(6_000);
      expect(putting.done).toBe(true);
      expect(await world.inner.leases()).toEqual([]);
      expect(await takeOne(queue)).toMatchObject({ round: 1, item: 'a', attempt: 1 });
      expect(await queue.status()).toMatchObject({ round: 1, state: 'open', ready: 1, next: 0 });
      await queue.dispose();
    }
  });
});

describe('a consumer', () => {
  test('that dies has its item handed to another, as the next attempt, after it has been told', async () => {
    const dying = world.elsewhere();
    await queueOf(items(1), world.store).put('a');
    const delivery = await takeOne(queueOf(items(1), dying));
    const taking = track(takeOne(queueOf(items(1), world.elsewhere())));
    let wasTold: boolean | undefined;
    delivery.signal.addEventListener('abort', () => (wasTold = !taking.done));

    cutOff(dying);
    await world.clock.advance(10_000);

    expect(wasTold).toBe(true);
    expect(delivery.signal.reason).toMatchObject({ code: 'HOLD_LOST' });
    expect(taking.value).toMatchObject({ item: 'a', attempt: 2 });
    expect(taking.value?.fencingToken).toBeGreaterThan(delivery.fencingToken);
    dying.onCall = () => undefined;
    await expect(delivery.ack()).rejects.toMatchObject({ code: 'HOLD_LOST' });
    expect(await delivery.release()).toBe('lost');
  });

  test('whose lease expires as it acknowledges is refused by the store, with all that came with it', async () => {
    const queue = queueOf(items(1), world.store);
    await queue.put('a');
    const delivery = await takeOne(queue);
    befall(world.store, ({ txn }) => txn !== undefined, { kind: 'before', act: revokeAll });

    await expect(delivery.ack(world.store.txn().do(put('built/a', 'yes')))).rejects.toMatchObject({
      code: 'HOLD_LOST',
    });

    expect(await world.keys('built/')).toEqual([]);
    expect(await takeOne(queueOf(items(1), world.elsewhere()))).toMatchObject({ item: 'a', attempt: 2 });
  });

  test('whose item somebody else has by now can do nothing to it', async () => {
    const queue = queueOf(items(1), world.store);
    await queue.put('a');
    const stale = await takeOne(queue);
    world.store.deafen();
    await revokeAll();
    const next = await takeOne(queueOf(items(1), world.elsewhere()));

    await expect(stale.guard(world.store.txn()).do(put('built/a', 'stale')).commit()).rejects.toMatchObject({
      code: 'HOLD_LOST',
    });
    await expect(stale.ack()).rejects.toMatchObject({ code: 'HOLD_LOST' });
    await expect(stale.nack()).rejects.toMatchObject({ code: 'HOLD_LOST' });

    expect(await world.keys('built/')).toEqual([]);
    await next.ack();
    world.store.hear();
  });

  test('that is given back so slowly that its rest is over before it begins is free at once', async () => {
    const queue = queueOf(items(1), world.store);
    await queue.put('a');
    const slow = await takeOne(queue);
    const putsMark = (operation: Operation): boolean =>
      operation.type === 'txn'
        ? operation.success.some(putsMark)
        : operation.type === 'put' && textOf(operation.key).includes('/q/wait/');
    const isGivenBack = ({ txn }: Call) => txn?.success.some(putsMark) ?? false;
    const others = new Set(await world.inner.leases());
    const endRest = async () => {
      for (const id of await world.inner.leases()) if (!others.has(id)) await world.inner.lease(id).revoke();
    };
    befall(world.store, isGivenBack, { kind: 'before', act: endRest });

    await slow.nack({ delay: '1s' });

    expect(await queue.status()).toMatchObject({ ready: 1, claimed: 0, resting: 0 });
    expect(await takeOne(queue)).toMatchObject({ item: 'a', attempt: 2 });
  });

  test('that gave an item back and has it again can do nothing by what it had before', async () => {
    const queue = queueOf(items(1), world.store);
    await queue.put('a');
    const before = await takeOne(queue);
    await before.nack();
    const again = await takeOne(queue);

    await expect(before.guard(world.store.txn()).do(put('built/a', 'yes')).commit()).rejects.toMatchObject({
      code: 'HOLD_LOST',
    });

    expect(await world.keys('built/')).toEqual([]);
    again.assertHeld();
    await again.ack();
  });

  test('that dies time and again over one item has it put with the dead letters', async () => {
    await queueOf(items(1), world.store).put('poison', { id: 'poison' });
    for (const attempt of [1, 2]) {
      const dying = world.elsewhere();
      expect(await takeOne(queueOf(items(1), dying, { attempts: 2 }))).toMatchObject({ attempt });
      cutOff(dying);
      await world.clock.advance(10_000);
      dying.onCall = () => undefined;
    }
    const survivor = queueOf(items(1), world.elsewhere(), { attempts: 2 });
    const dead: string[] = [];
    survivor.on('dead', (id) => dead.push(id));
    const taking = track(takeOne(survivor));
    await settle();

    expect(taking.done).toBe(false);
    expect(dead).toEqual(['poison']);
    expect(await survivor.deadLetters()).toMatchObject([{ id: 'poison', attempts: 2 }]);
    expect(await survivor.status()).toMatchObject({ round: 2, state: 'closed', ready: 0 });
    await survivor.put('good');
    await settle();
    expect(taking.value?.item).toBe('good');
  });

  test('whose acknowledgement was carried out, but not answered, knows', async () => {
    const queue = queueOf(items(1), world.store);
    await queue.put('a');
    const delivery = await takeOne(queue);
    befall(world.store, ({ txn }) => txn !== undefined, { kind: 'loseReply' });

    const acking = track(delivery.ack());
    await world.clock.advance(1_000);

    expect(acking).toEqual({ done: true, value: undefined });
    expect(await queue.status()).toMatchObject({ round: 2, ready: 0 });
  });

  test('whose acknowledgement with a transaction was lost finds out what became of it', async () => {
    const queue = queueOf(items(2), world.store);
    await queue.put('a');
    await queue.put('b');
    const [first, second] = [await takeOne(queue), await takeOne(queue)];
    const work = (name: string) => world.store.txn().do(put(`built/${name}`, 'yes'));

    befall(world.store, ({ txn }) => txn !== undefined, { kind: 'loseReply' });
    await first.ack(work('a'));
    befall(world.store, ({ txn }) => txn !== undefined, { kind: 'loseRequest' });
    await expect(second.ack(work('b'))).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await world.keys('built/')).toEqual(['built/a']);
    await second.ack(work('b'));

    expect(await world.keys('built/')).toEqual(['built/a', 'built/b']);
    expect(await queue.status()).toMatchObject({ round: 2, ready: 0 });
  });

  test('whose claim was carried out, but not answered, has it', async () => {
    const queue = queueOf(items(1), world.store);
    await queue.put('a');
    befall(world.store, isClaim, { kind: 'loseReply' });

    const taking = track(takeOne(queue));
    await world.clock.advance(1_000);

    expect(taking.value).toMatchObject({ item: 'a', attempt: 1 });
    await taking.value?.ack();
    expect(await queue.status()).toMatchObject({ round: 2, ready: 0, claimed: 0 });
  });

  test('called off at any call leaves no claim and counts no attempt', async () => {
    for (let n = 1; ; n += 1) {
      const store = world.elsewhere();
      const name = `called-off-${n}`;
      const queue = queueOf(items(1), store, { name });
      await queueOf(items(1), world.elsewhere(), { name }).put('a');
      const controller = new AbortController();
      let isReached = false;
      store.onCall = ({ number }) => {
        if (number !== n) return undefined;
        isReached = true;
        return { kind: 'after', act: () => controller.abort(new Error('enough')) };
      };
      const taking = track(queue.consume({ signal: controller.signal }).next());
      await world.clock.advance(1_000);
      if (!isReached) break;

      expect(taking.error).toMatchObject({ message: 'enough' });
      expect(await world.keys(`conclave/bq/${name}/q/claim/`)).toEqual([]);
      expect(await takeOne(queueOf(items(1), world.elsewhere(), { name }))).toMatchObject({ item: 'a', attempt: 1 });
    }
  });

  test('goes on when its watch breaks', async () => {
    const queue = queueOf(items(1), world.store);
    const taking = track(takeOne(queue));
    await settle();

    world.store.breakWatches(new UnavailableError('broken'));
    await queueOf(items(1), world.elsewhere()).put('a');
    await world.clock.advance(10_000);

    expect(taking.value?.item).toBe('a');
  });

  test('goes on when its session was lost between two items', async () => {
    const queue = queueOf(items(1), world.store);
    await queue.put('a');
    await (await takeOne(queue)).ack();
    await revokeAll();
    await queue.put('b');

    const taking = track(takeOne(queue));
    await world.clock.advance(3_000);

    expect(taking.value?.item).toBe('b');
  });

  test('five of them never have an item at the same time, and none is left out, whoever of them dies', async () => {
    const holders = new Map<string, number>();
    const done: string[] = [];
    const stop = new AbortController();
    const stores = Array.from({ length: 5 }, () => world.elsewhere());
    const consumers = stores.map((store) => queueOf(items(30), store));
    const runs = consumers.map((queue) =>
      queue.run(
        async ({ item, signal, fencingToken }) => {
          expect(holders.has(item)).toBe(false);
          holders.set(item, fencingToken);
          signal.addEventListener('abort', () => {
            if (holders.get(item) === fencingToken) holders.delete(item);
          });
          await settle();
          if (!signal.aborted) done.push(item);
        },
        { concurrency: 2, signal: stop.signal },
      ),
    );
    const producer = queueOf(items(30), world.store);
    for (let i = 0; i < 30; i += 1) await producer.put(`${i}`);
    await settle();
    (stores[0] as FaultyStore).onCall = () => ({ kind: 'fail', error: new UnavailableError('cut off') });
    await world.clock.advance(20_000);

    (stores[0] as FaultyStore).onCall = () => undefined;
    expect(new Set(done).size).toBe(30);
    expect(await producer.status()).toMatchObject({ round: 2, ready: 0 });
    stop.abort();
    await Promise.all(runs);
  });
});

describe('a gate', () => {
  test('is opened once, by the first of five who find it due', async () => {
    const stores = Array.from({ length: 5 }, () => world.elsewhere());
    const openers = stores.map((store) => queueOf(manual(), store));
    await openers[0]?.put('a');
    const before = (await world.inner.get('conclave/bq/shards/q/gate'))?.version ?? 0;

    const answers = await Promise.all(openers.map((queue) => queue.open()));

    const gate = await world.inner.get('conclave/bq/shards/q/gate');
    expect(answers.filter(({ opened }) => opened)).toHaveLength(1);
    expect((gate?.version ?? 0) - before).toBe(1);
  });

  test('tells those who consume that it opened and that it was drained', async () => {
    const queue = queueOf(items(1), world.store);
    const told: string[] = [];
    queue.on('opened', (round) => told.push(`opened ${round}`));
    queue.on('drained', (round) => told.push(`drained ${round}`));
    const stop = new AbortController();
    const running = queue.run(() => {}, { signal: stop.signal });

    await queue.put('a');
    await settle();
    await queue.put('b');
    await settle();
    stop.abort();
    await running;

    expect(told).toEqual(['opened 1', 'drained 1', 'opened 2', 'drained 2']);
  });

  test('that somebody wrote nonsense into is opened all the same, and written over', async () => {
    await world.inner.put('conclave/bq/shards/q/gate', 'nonsense');
    const queue = queueOf(items(1), world.store);

    await queue.put('a');

    expect(await queue.status()).toMatchObject({ round: 1, state: 'open', ready: 1 });
    const delivery = await takeOne(queue);
    expect(delivery.item).toBe('a');
    await delivery.ack();
    expect(await queue.status()).toMatchObject({ round: 2, state: 'closed' });
  });
});

const isClaim = ({ txn }: Call) =>
  txn?.success.some((operation) => operation.type === 'put' && textOf(operation.key).includes('/q/claim/')) ?? false;

async function revokeAll(): Promise<void> {
  for (const id of await world.inner.leases()) await world.inner.lease(id).revoke();
}

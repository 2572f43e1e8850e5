import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { put } from '../../core/txn.js';
import { settle } from '../../core/testing/manual-clock.js';
import type { FaultyStore } from '../testing/faulty-store.js';
import { openWorld, track, type World } from '../testing/world.js';
import { BarrierQueue, type BarrierQueueOptions } from './barrier-queue.js';
import type { Delivery } from './delivery.js';
import { all, any, item, items, key, linger, manual } from './release.js';

let world: World;
let queues: BarrierQueue<string>[];

beforeEach(async () => {
  world = await openWorld();
  queues = [];
});
afterEach(async () => {
  const disposing = Promise.all(queues.map((queue) => queue.dispose()));
  await world.clock.advance(60_000);
  await disposing;
  expect(world.clock.timerCount).toBeLessThan(10); // The member's own.
  await world.close();
});

/** The queue as one process has it. */
function queueOf(options: BarrierQueueOptions<string>, store: FaultyStore = world.store): BarrierQueue<string> {
  const queue = new BarrierQueue<string>(store, { name: 'shards', ...options });
  queues.push(queue);
  return queue;
}

const elsewhere = (options: BarrierQueueOptions<string>) => queueOf(options, world.elsewhere());

async function take(queue: BarrierQueue<string>, count = 1): Promise<Delivery<string>[]> {
  const taken: Delivery<string>[] = [];
  for await (const delivery of queue.consume()) {
    taken.push(delivery);
    if (taken.length === count) break;
  }
  return taken;
}

async function takeOne(queue: BarrierQueue<string>): Promise<Delivery<string>> {
  return (await take(queue))[0] as Delivery<string>;
}

test('a round is held back until its items are there, and is then handed out in the order of putting', async () => {
  const queue = queueOf({ release: items(3) });
  const taking = track(take(elsewhere({ release: items(3) }), 3));

  expect(await queue.put('a')).toMatchObject({ round: 1, position: 1, added: true });
  await queue.put('b');
  await settle();
  expect(await queue.status()).toMatchObject({ round: 1, state: 'closed', ready: 2, needed: 3, unmet: ['3 items'] });
  expect(taking.done).toBe(false);

  await queue.put('c');
  await settle();
  expect(await queue.status()).toMatchObject({ state: 'open', ready: 3, claimed: 3, unmet: [] });
  expect(taking.value?.map((delivery) => delivery.item)).toEqual(['a', 'b', 'c']);
});

test('items put while the gate is open wait for the next round, which begins when the last one is acknowledged', async () => {
  const queue = queueOf({ release: items(2) });
  await queue.put('a');
  await queue.put('b');

  expect(await queue.put('c')).toMatchObject({ round: 2, position: 1 });
  const [first, second] = await take(queue, 2);
  await first?.ack();
  expect(await queue.status()).toMatchObject({ round: 1, state: 'open', ready: 1, next: 1 });
  await second?.ack();
  expect(await queue.status()).toMatchObject({ round: 2, state: 'closed', ready: 1, next: 0 });

  await queue.put('d');
  expect((await take(queue, 2)).map(({ item, round }) => `${item} ${round}`)).toEqual(['c 2', 'd 2']);
});

test('a round that filled up while the one before was drained opens at once', async () => {
  const queue = queueOf({ release: items(1) });
  await queue.put('a');
  await queue.put('b');

  const first = await takeOne(queue);
  await first.ack();

  expect(await queue.status()).toMatchObject({ round: 2, state: 'open', ready: 1 });
  expect((await takeOne(queue)).item).toBe('b');
});

test('an acknowledged item leaves nothing behind', async () => {
  const queue = queueOf({ release: items(1) });
  await queue.put('a');

  await (await takeOne(queue)).ack();

  expect(await world.keys()).toEqual(['conclave/bq/shards/q/gate']);
});

test('an item is put once by its id, and the second put answers where the first one is', async () => {
  const queue = queueOf({ release: items(3) });
  await queue.put('first', { id: 'one' });
  await queue.put('second', { id: 'two' });

  const again = await elsewhere({ release: items(3) }).put('changed', { id: 'two' });

  expect(again).toEqual({ id: 'two', round: 1, position: 2, added: false });
  expect(await queue.status()).toMatchObject({ ready: 2 });
});

test('an id is known in the round being drained, too', async () => {
  const queue = queueOf({ release: items(1) });
  await queue.put('a', { id: 'one' });

  expect(await queue.put('a', { id: 'one' })).toEqual({ id: 'one', round: 1, position: 1, added: false });
});

test('an id can be put again once it has been dealt with, unless it is to be remembered', async () => {
  const queue = queueOf({ release: items(1) });
  await queue.put('a', { id: 'plain' });
  await (await takeOne(queue)).ack();
  expect(await queue.put('a', { id: 'plain' })).toMatchObject({ added: true });
  await (await takeOne(queue)).ack();

  await queue.put('b', { id: 'remembered', dedupeFor: '10s' });
  await (await takeOne(queue)).ack();
  expect(await queue.put('b', { id: 'remembered' })).toMatchObject({ position: 0, added: false });
  await world.clock.advance(12_000);
  expect(await queue.put('b', { id: 'remembered' })).toMatchObject({ added: true });
});

test('one of five who open the gate at once opens it', async () => {
  const openers = Array.from({ length: 5 }, () => elsewhere({ release: manual() }));
  await openers[0]?.put('a');
  expect(await openers[0]?.status()).toMatchObject({ state: 'closed', unmet: ['a call of open()'] });

  const answers = await Promise.all(openers.map((queue) => queue.open()));

  expect(answers.filter(({ opened }) => opened)).toHaveLength(1);
  expect(new Set(answers.map(({ round }) => round))).toEqual(new Set([1]));
  expect(await openers[0]?.status()).toMatchObject({ round: 1, state: 'open' });
});

test('an empty round that was opened by hand opens with its first item', async () => {
  const queue = queueOf({ release: manual() });
  expect(await queue.open()).toEqual({ round: 1, opened: false });

  await elsewhere({ release: manual() }).put('a');

  expect(await queue.status()).toMatchObject({ state: 'open' });
});

test('open() releases a round early, unless the release says what the word is worth', async () => {
  const early = queueOf({ name: 'early', release: items(3) });
  await early.put('a');
  expect(await early.open()).toEqual({ round: 1, opened: true });

  const both = queueOf({ name: 'both', release: all(items(2), manual()) });
  await both.put('a');
  expect(await both.open()).toEqual({ round: 1, opened: false });
  expect(await both.status()).toMatchObject({ state: 'closed', unmet: ['2 items'] });
  await both.put('b');
  expect(await both.status()).toMatchObject({ state: 'open' });
});

test('the word of a hand counts for its own round only', async () => {
  const queue = queueOf({ release: manual() });
  await queue.put('a');
  await queue.open();
  await (await takeOne(queue)).ack();

  await queue.put('b');

  expect(await queue.status()).toMatchObject({ round: 2, state: 'closed' });
});

test('a round waits for named items', async () => {
  const queue = queueOf({ release: all(item('left'), item('right')) });
  await queue.put('l', { id: 'left' });
  await queue.put('o', { id: 'other' });
  expect(await queue.status()).toMatchObject({ state: 'closed', unmet: ['item right'] });

  await queue.put('r', { id: 'right' });

  expect(await queue.status()).toMatchObject({ state: 'open' });
});

test('a consumer who waits opens the gate when a condition key appears', async () => {
  const release = all(items(1), key('snapshot/ready'));
  const queue = queueOf({ release });
  const taking = track(takeOne(elsewhere({ release })));
  await queue.put('a');
  await settle();
  expect(await queue.status()).toMatchObject({ state: 'closed', unmet: ['key snapshot/ready'] });

  await world.inner.put('snapshot/ready', 'yes');
  await settle();

  expect(taking.value?.item).toBe('a');
});

test('a producer opens the gate if the condition key is there already', async () => {
  const queue = queueOf({ release: key((round) => `snapshot/${round}`) });
  await world.inner.put('snapshot/1', 'yes');
  await queue.put('a');
  expect(await queue.status()).toMatchObject({ round: 1, state: 'open' });
  await (await takeOne(queue)).ack();

  await queue.put('b');

  expect(await queue.status()).toMatchObject({ round: 2, state: 'closed', unmet: ['key snapshot/2'] });
});

test('a gate does not open if the condition key goes away at the last moment', async () => {
  const queue = queueOf({ release: key('flag') });
  await world.inner.put('flag', 'up');
  world.store.onCall = ({ txn }) => {
    const opens = txn?.success.some(
      (operation) => operation.type === 'put' && Buffer.from(operation.value).includes('"open"'),
    );
    return opens ? { kind: 'before', act: () => world.inner.delete('flag') } : undefined;
  };

  await queue.put('a');

  expect(await queue.status()).toMatchObject({ state: 'closed' });
});

test('a round that does not fill up goes out when its first item has waited long enough', async () => {
  const release = any(items(16), linger('5s'));
  const queue = queueOf({ release });
  const taking = track(take(elsewhere({ release }), 2));
  await queue.put('a');
  await world.clock.advance(3_000);
  await queue.put('b');

  await world.clock.advance(1_999);
  expect(taking.done).toBe(false);
  await world.clock.advance(1);

  expect(taking.value?.map((delivery) => delivery.item)).toEqual(['a', 'b']);
});

test('a linger is measured to the millisecond while its producer lives', async () => {
  const release = linger('250ms');
  const queue = queueOf({ release });
  await queue.put('a');

  await world.clock.advance(249);
  expect(await queue.status()).toMatchObject({ state: 'closed' });
  await world.clock.advance(1);

  expect(await queue.status()).toMatchObject({ state: 'open' });
});

test('a linger ends although its producer has died', async () => {
  const release = linger('3s');
  const producer = elsewhere({ release });
  await producer.put('a');
  await producer.dispose();
  const taking = track(takeOne(queueOf({ release })));

  await world.clock.advance(2_900);
  expect(taking.done).toBe(false);
  await world.clock.advance(2_000);

  expect(taking.value?.item).toBe('a');
});

test('only the first item of a round sets the alarm, whoever comes first', async () => {
  const release = any(items(16), linger('5s'));
  const producers = Array.from({ length: 4 }, () => elsewhere({ release }));

  await Promise.all(producers.map((queue, index) => queue.put(`${index}`)));

  expect((await world.keys('conclave/bq/shards/q/linger/')).length).toBe(1);
  const leases = await world.inner.leases();
  expect(leases).toHaveLength(1);
});

test('the next round lingers from its own first item', async () => {
  const release = linger('5s');
  const queue = queueOf({ release });
  await queue.put('a');
  await world.clock.advance(5_000);
  const first = await takeOne(queue);
  await queue.put('b');
  await world.clock.advance(2_000);
  await first.ack();
  expect(await queue.status()).toMatchObject({ round: 2, state: 'closed' });

  await world.clock.advance(3_000);

  expect(await queue.status()).toMatchObject({ round: 2, state: 'open' });
});

test('an acknowledgement and the operations given with it happen together', async () => {
  const queue = queueOf({ release: items(1) });
  await queue.put('a');
  const delivery = await takeOne(queue);

  await delivery.ack(world.store.txn().do(put('built/a', 'yes')));

  expect(await world.keys('built/')).toEqual(['built/a']);
  expect(await queue.status()).toMatchObject({ round: 2, ready: 0 });
  await delivery.ack();
  expect(await delivery.release()).toBe('released');
});

test('an item given back is handed out again, and counts its attempts', async () => {
  const queue = queueOf({ release: items(1) });
  await queue.put('a');
  const first = await takeOne(queue);
  expect(first.attempt).toBe(1);

  await first.nack();
  const second = await takeOne(queue);

  expect(second.attempt).toBe(2);
  expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
  await expect(first.ack()).rejects.toMatchObject({ code: 'NOT_HELD' });
  expect(first.signal.aborted).toBe(true);
});

test('an item given back with a delay rests for so long, and those behind it go first', async () => {
  const queue = queueOf({ release: items(2) });
  await queue.put('a');
  await queue.put('b');
  await (await takeOne(queue)).nack({ delay: '1500ms' });
  expect(await queue.status()).toMatchObject({ ready: 2, claimed: 0, resting: 1 });

  await (await takeOne(queue)).ack();
  const taking = track(takeOne(queue));
  await world.clock.advance(1_499);
  expect(taking.done).toBe(false);
  await world.clock.advance(1);

  expect(taking.value).toMatchObject({ item: 'a', attempt: 2 });
});

test('an item rests no longer than its lease, although who gave it back has died', async () => {
  const dying = elsewhere({ release: items(1) });
  await dying.put('a');
  await (await takeOne(dying)).nack({ delay: '3s' });
  await dying.dispose();
  const taking = track(takeOne(queueOf({ release: items(1) })));

  await world.clock.advance(2_900);
  expect(taking.done).toBe(false);
  await world.clock.advance(2_000);

  expect(taking.value?.item).toBe('a');
});

test('disposing a delivery gives it back', async () => {
  const queue = queueOf({ release: items(1) });
  await queue.put('a');
  {
    await using delivery = await takeOne(queue);
    delivery.assertHeld();
  }

  expect((await takeOne(queue)).attempt).toBe(2);
});

test('an item that failed as often as it may goes to the dead letters, with the last reason', async () => {
  const queue = queueOf({ release: items(2), attempts: 2 });
  await queue.put('bad', { id: 'bad' });
  await queue.put('good', { id: 'good' });
  await (await takeOne(queue)).nack({ reason: 'first' });
  expect(await queue.deadLetters()).toEqual([]);

  await (await takeOne(queue)).nack({ reason: 'second' });

  expect(await queue.deadLetters()).toMatchObject([
    { id: 'bad', round: 1, item: 'bad', attempts: 2, reason: 'second' },
  ]);
  expect(await queue.status()).toMatchObject({ round: 1, ready: 1, dead: 1 });
  await (await takeOne(queue)).ack();
  expect(await queue.status()).toMatchObject({ round: 2, state: 'closed' });
});

test('a round whose last item dies is drained', async () => {
  const queue = queueOf({ release: items(1), attempts: 1 });
  await queue.put('bad');

  await (await takeOne(queue)).nack();

  expect(await queue.status()).toMatchObject({ round: 2, state: 'closed', dead: 1 });
});

test('a dead letter can be driven again, as new, and discarded', async () => {
  const queue = queueOf({ release: items(1), attempts: 1 });
  await queue.put('bad', { id: 'one' });
  await (await takeOne(queue)).nack({ reason: 'broken' });
  const [letter] = await queue.deadLetters();
  if (!letter) throw new Error('no letter');

  expect(await queue.redrive(letter)).toMatchObject({ id: 'one', round: 2, position: 1, added: true });
  expect(await queue.redrive(letter)).toMatchObject({ added: false });
  expect(await queue.deadLetters()).toEqual([]);
  const again = await takeOne(queue);
  expect(again.attempt).toBe(1);
  await again.nack();
  expect(await queue.redrive(letter)).toBeUndefined();
  const [second] = await queue.deadLetters();
  if (!second) throw new Error('no letter');
  expect(await queue.discard(letter)).toBe(false);
  expect(await queue.discard(second)).toBe(true);
  expect(await queue.deadLetters()).toEqual([]);
});

import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CompactedError, ServerError, UnavailableError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { put, remove } from '../../core/txn.js';
import { settle } from '../../core/testing/manual-clock.js';
import type { Held } from '../held.js';
import { LEFTOVERS_MAX } from '../janitor.js';
import { Session } from '../session/session.js';
import { FaultyStore } from '../testing/faulty-store.js';
import { BlockableClock, openWorld, track, type World } from '../testing/world.js';
import { Mutex, type MutexOptions } from './mutex.js';

const LINE = 'conclave/mutex/orders/q/';

let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

/** A mutex in a process of its own. */
const mutexOn = (store: Store, options: MutexOptions = {}) => new Mutex(store, { name: 'orders', ...options });
const mutex = (options: MutexOptions = {}) => mutexOn(world.elsewhere(), options);
const line = () => world.keys(LINE);

describe('giving up', () => {
  test('a wait ends at its timeout and leaves nothing', async () => {
    const holder = await mutex().acquire();
    const waiting = track(mutex().acquire({ timeout: '5s' }));
    await world.clock.advance(4_999);
    expect(waiting.done).toBe(false);

    await world.clock.advance(1);

    expect(waiting.error).toMatchObject({ code: 'TIMEOUT', message: 'mutex orders took longer than 5000 ms' });
    expect(await line()).toHaveLength(1);
    expect(await holder.release()).toBe('released');
  });

  const moments = ['before', 'after', 'hang', 'hangAfter'] as const;
  const behind = ['a free lock', 'a holder', 'a holder and a waiter'] as const;
  test.each(moments.flatMap((moment) => behind.map((whom) => [moment, whom] as const)))(
    'a wait that is called off at any of its calls (%s), behind %s, leaves nothing',
    async (moment, whom) => {
      for (let nth = 1; ; nth += 1) {
        const holder = whom === 'a free lock' ? undefined : await mutex().acquire();
        const waiter = whom === 'a holder and a waiter' ? track(mutex().acquire()) : undefined;
        await settle();
        const store = world.elsewhere();
        const controller = new AbortController();
        const giveUp = () => controller.abort(new Error('enough'));
        store.onCall = ({ number }) => {
          if (number !== nth) return undefined;
          if (moment === 'before' || moment === 'after') return { kind: moment, act: giveUp };
          setImmediate(giveUp);
          return { kind: moment };
        };

        const waiting = track(mutexOn(store).acquire({ signal: controller.signal }));
        await settle();
        await holder?.release();
        await settle();
        await waiter?.value?.release();
        await settle();
        const reached = store.calls.length >= nth;
        store.onCall = () => undefined;
        await world.clock.advance(20_000);

        if (waiting.value) await waiting.value.release();
        else expect(waiting.error).toEqual(new Error('enough'));
        expect(await line()).toEqual([]);
        if (!reached) return;
      }
    },
  );

  test.each(['hang', 'hangAfter'] as const)(
    'a wait that times out at any of its calls (%s) leaves nothing',
    async (kind) => {
      for (const nth of [1, 2, 3]) {
        const holder = await mutex().acquire();
        const store = world.elsewhere();
        store.onCall = ({ number }) => (number === nth ? { kind } : undefined);
        const waiting = track(mutexOn(store).acquire({ timeout: '1s' }));
        await settle();
        if (nth === 3) await holder.release();
        await world.clock.advance(20_000);
        expect(waiting.error).toMatchObject({ code: 'TIMEOUT' });
        await holder.release();
        expect(await line()).toEqual([]);
      }
    },
  );

  test('a wait of which any call fails leaves nothing', async () => {
    for (let nth = 1; ; nth += 1) {
      const holder = await mutex().acquire();
      const store = world.elsewhere();
      const error = new ServerError('no');
      store.onCall = ({ number }) => (number === nth ? { kind: 'fail', error } : undefined);

      const waiting = track(mutexOn(store).acquire());
      await settle();
      await holder.release();
      await settle();

      const reached = store.calls.length >= nth;
      if (reached && nth <= 3) expect(waiting.error).toBe(error);
      await waiting.value?.release();
      await settle();
      expect(await line()).toEqual([]);
      if (!reached) return;
    }
  });

  test.each(['loseReply', 'loseRequest', 'unavailable'] as const)(
    'a wait of which any call ends with %s comes to its end all the same, once',
    async (kind) => {
      for (let nth = 2; ; nth += 1) {
        const holder = await mutex().acquire();
        const store = world.elsewhere();
        const fault =
          kind === 'unavailable' ? { kind: 'fail' as const, error: new UnavailableError('away') } : { kind };
        store.onCall = ({ number }) => (number === nth ? fault : undefined);

        const waiting = track(mutexOn(store).acquire());
        await world.clock.advance(100);
        expect(await line()).toHaveLength(2);
        await holder.release();
        await world.clock.advance(100);

        expect(waiting.value?.fencingToken).toBeGreaterThan(holder.fencingToken);
        const releasing = track((waiting.value as Held).release());
        await world.clock.advance(100);
        expect(releasing.value).toBe('released');
        expect(await line()).toEqual([]);
        if (store.calls.length < nth) return;
      }
    },
  );

  test('a request that arrives after its caller gave up leaves no ghost in the line', async () => {
    const store = world.elsewhere();
    let deliver = () => {};
    const until = new Promise<void>((resolve) => (deliver = resolve));
    store.onCall = ({ method, number }) =>
      method === 'txn' && number === 2 ? { kind: 'deliverLate', until } : undefined;
    const controller = new AbortController();
    const orders = mutexOn(store);
    const waiting = track(orders.acquire({ signal: controller.signal }));
    await settle();

    controller.abort(new Error('enough'));
    await settle();
    deliver();
    await settle();
    expect(waiting.error).toEqual(new Error('enough'));
    expect(await line()).toHaveLength(1);

    await world.clock.advance(1_000);
    expect(await line()).toEqual([]);
  });

  test('a request that was repeated, and arrives after the release, leaves no ghost in the line', async () => {
    const store = world.elsewhere();
    let deliver = () => {};
    const until = new Promise<void>((resolve) => (deliver = resolve));
    const orders = mutexOn(store);
    await (await orders.acquire()).release();
    // The connection breaks: the call ends with an unknown outcome, and what was sent is still on its way.
    let first = true;
    store.onCall = ({ txn }) => {
      if (!txn || !first) return undefined;
      first = false;
      void until.then(() =>
        world.inner
          .txn()
          .when(...txn.compares)
          .do(...txn.success)
          .commit(),
      );
      return { kind: 'loseRequest' };
    };
    const held = track(orders.acquire());
    await world.clock.advance(100);
    await held.value?.release();
    deliver();
    await settle();

    await world.clock.advance(1_000);
    expect(await line()).toEqual([]);
  });

  test('new attempts are refused while a thousand cancelled ones could not be cleared', async () => {
    const store = world.elsewhere();
    const orders = mutexOn(store);
    await (await orders.acquire()).release();
    store.onCall = ({ method }) => (method === 'txn' ? { kind: 'hang' } : undefined);
    const controller = new AbortController();
    for (let i = 0; i < LEFTOVERS_MAX; i += 1) orders.acquire({ signal: controller.signal }).catch(() => undefined);
    await settle();
    controller.abort(new Error('enough'));
    await settle();

    await expect(orders.acquire()).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  });
});

describe('loss', () => {
  test('a lease that dies in the line is a lost session, and others pass', async () => {
    const holder = await mutex().acquire();
    const store = world.elsewhere();
    const orders = mutexOn(store);
    const waiting = track(orders.acquire());
    await settle();
    const [, place] = await line();
    const [lease] = (await orders.inspect()).waiters.map((one) => one.lease);
    expect(place).toBeDefined();

    await world.inner.lease(lease as bigint).revoke();
    await settle();

    expect(waiting.error).toMatchObject({ code: 'SESSION_LOST', why: 'gone' });
    await holder.release();
    expect(await mutex().tryAcquire()).toBeDefined();
    const again = track(orders.acquire());
    await settle();
    expect(again.done).toBe(false);
  });

  test('a waiter cut off from the store gives up at its safe deadline', async () => {
    await mutex().acquire();
    const store = world.elsewhere();
    const waiting = track(mutexOn(store).acquire());
    await settle();
    store.onCall = () => ({ kind: 'hang' });
    await world.clock.advance(12_999);
    expect(waiting.done).toBe(false);
    await world.clock.advance(1);
    expect(waiting.error).toMatchObject({ code: 'SESSION_LOST', why: 'deadline' });
  });

  test('a holder cut off from the store has stopped before the next one starts', async () => {
    const store = world.elsewhere();
    const orders = mutexOn(store);
    const held = await orders.acquire();
    const lost: unknown[] = [];
    orders.on('lost', (...args) => lost.push(args));
    const next = track(mutex().acquire());
    await settle();
    store.onCall = () => ({ kind: 'hang' });
    let abortedMs = Number.POSITIVE_INFINITY;
    held.signal.addEventListener('abort', () => (abortedMs = world.clock.now()));

    while (!next.done) await world.clock.advance(250);

    expect(abortedMs).toBe(13_000);
    expect(world.clock.now()).toBeGreaterThanOrEqual(15_000);
    expect(next.value?.fencingToken).toBeGreaterThan(held.fencingToken);
    expect(() => held.assertHeld()).toThrow(expect.objectContaining({ code: 'HOLD_LOST' }));
    expect(lost).toEqual([[held, 'orders', held.signal.reason]]);
    expect(held.signal.reason).toMatchObject({ fencingToken: held.fencingToken, cause: { code: 'SESSION_LOST' } });
  });

  test('a grant that arrives after the deadline is none', async () => {
    const clock = new BlockableClock(world.clock);
    const store = new FaultyStore(world.inner, { clock });
    store.onCall = ({ number }) => (number === 2 ? { kind: 'after', act: () => clock.block(13_000) } : undefined);
    await expect(mutexOn(store).acquire()).rejects.toMatchObject({ code: 'SESSION_LOST' });
    await settle();
    expect(await line()).toEqual([]);
  });

  test('a process that was blocked past its deadline does not believe to hold, before any timer fired', async () => {
    const clock = new BlockableClock(world.clock);
    const held = await mutexOn(new FaultyStore(world.inner, { clock })).acquire();
    clock.block(12_999);
    held.assertHeld();
    clock.block(1);
    expect(() => held.assertHeld()).toThrow(expect.objectContaining({ code: 'HOLD_LOST' }));
    expect(held.signal.aborted).toBe(true);
    expect(await held.release()).toBe('lost');
  });

  test('the store rejects what a stale holder writes, and the holder is told', async () => {
    const held = await mutex().acquire();
    await held.guard(world.inner.txn()).do(put('order', 'charged')).commit();
    const [key] = await line();
    await world.inner.delete(key as string);

    await expect(held.guard(world.inner.txn()).do(put('order', 'charged twice')).commit()).rejects.toMatchObject({
      code: 'HOLD_LOST',
      fencingToken: held.fencingToken,
    });

    expect((await world.inner.get('order'))?.version).toBe(1);
    expect(held.signal.aborted).toBe(true);
    expect(await held.release()).toBe('lost');
  });

  test('a hold that is taken away by hand is noticed while it is held, also when history was compacted', async () => {
    const held = await mutex().acquire();
    const { revision } = await world.inner.put('noise', '');
    await world.inner.compact(revision);
    await world.clock.advance(1_000);
    expect(held.signal.aborted).toBe(false);

    await world.inner.delete((await line())[0] as string);
    await settle();

    expect(held.signal.reason).toMatchObject({ code: 'HOLD_LOST' });
  });

  test('a hold that was taken away unnoticed was lost, and the release says so', async () => {
    const orders = mutex();
    const ends: string[] = [];
    orders.on('released', () => ends.push('released'));
    orders.on('lost', () => ends.push('lost'));
    const held = await orders.acquire();
    await world.inner.delete((await line())[0] as string);
    expect(await held.release()).toBe('lost');
    expect(ends).toEqual(['lost']);
  });

  test('a waiter whose place goes together with the holder is not granted the turn of those behind', async () => {
    await mutex().acquire();
    const waiting = track(mutex().acquire());
    await settle();
    const behind = track(mutex().acquire());
    await settle();
    const { holder, waiters } = await mutex().inspect();
    await world.inner
      .txn()
      .do(remove(holder?.key as string), remove(waiters[0]?.key as string))
      .commit();
    await settle();
    expect(waiting.error).toMatchObject({ code: 'PLACE_LOST' });
    expect(behind.value?.fencingToken).toBe(waiters[1]?.fencingToken);
  });

  test('a place that is taken away by hand is reported to the waiter', async () => {
    await mutex().acquire();
    const waiting = track(mutex().acquire());
    await settle();
    await world.inner.delete((await mutex().inspect()).waiters[0]?.key as string);
    await settle();
    expect(waiting.error).toMatchObject({ code: 'PLACE_LOST' });
  });

  test('a key whose lease was stripped by a foreign put is no place any more', async () => {
    const held = await mutex().acquire();
    await world.clock.advance(1_000);
    await world.inner.put((await line())[0] as string, 'scribble');
    await settle();
    expect(held.signal.aborted).toBe(true);
    expect(await mutex().tryAcquire()).toBeDefined();
    await expect(held.guard(world.inner.txn()).commit()).rejects.toMatchObject({ code: 'HOLD_LOST' });
  });
});

describe('history and watches', () => {
  test('a wait survives compaction, again and again', async () => {
    const holder = await mutex().acquire();
    const store = world.elsewhere();
    const waiting = track(mutexOn(store).acquire());
    await settle();
    for (let i = 0; i < 3; i += 1) {
      store.breakWatches(new CompactedError(1, 2));
      const { revision } = await world.inner.put('noise', String(i));
      await world.inner.compact(revision);
      await world.clock.advance(500);
    }
    expect(waiting.done).toBe(false);

    await holder.release();
    await settle();
    expect(waiting.value?.fencingToken).toBeGreaterThan(holder.fencingToken);
  });

  test('a release that no watch told of is found', async () => {
    const holder = await mutex().acquire();
    const store = world.elsewhere();
    const waiting = track(mutexOn(store).acquire());
    await settle();
    // The watches break, and while they are down the holder leaves and history is compacted.
    store.breakWatches(new UnavailableError('away'));
    await holder.release();
    const { revision } = await world.inner.put('noise', '');
    await world.inner.compact(revision);
    await world.clock.advance(500);
    expect(waiting.value?.fencingToken).toBeGreaterThan(0);
  });

  test('a watch that has gone silent is not trusted for ever', async () => {
    const holder = await mutex().acquire();
    const deaf = world.elsewhere();
    deaf.watch = (_, options = {}) => world.inner.watch('nothing ever happens here', options);
    const waiting = track(mutexOn(deaf).acquire());
    await settle();
    await holder.release();
    await world.clock.advance(29_000);
    expect(waiting.done).toBe(false);
    await world.clock.advance(2_000);
    expect(waiting.value?.fencingToken).toBeGreaterThan(holder.fencingToken);
  });

  test('nothing is left behind: no watch, no timer, no listener', async () => {
    const timersBefore = world.clock.timerCount;
    const session = await Session.open(world.store);
    const { signal } = new AbortController();
    const orders = mutexOn(world.store, { session });
    const held = await orders.acquire({ signal });
    const waiting = track(orders.acquire({ timeout: '10s', signal }));
    await world.clock.advance(1_000);
    await held.release();
    await settle();
    await world.clock.advance(1_000);
    await waiting.value?.release();
    await orders.dispose();
    await settle();
    expect(world.store.watchCount).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(getEventListeners(session.signal, 'abort')).toEqual([]);
    await session.close();
    expect(world.clock.timerCount).toBe(timersBefore);
  });
});

describe('foreign keys', () => {
  test.each(['stray', '1f.ab'])('a foreign key that ends with %p is passed over and shown', async (end) => {
    await world.inner.put(LINE + end, 'who knows');
    const held = await mutex().acquire({ timeout: '5s' });
    expect(await mutex().tryAcquire()).toBeUndefined();
    const next = track(mutex().acquire());
    await settle();
    expect(next.done).toBe(false);

    await held.release();
    await settle();

    expect(next.value?.fencingToken).toBeGreaterThan(held.fencingToken);
    expect((await mutex().inspect()).foreignKeys).toEqual([LINE + end]);
    await next.value?.release();
    expect(await mutex().tryAcquire()).toBeDefined();
  });

  test('more foreign keys than a transaction may compare are passed over, also without queueing', async () => {
    for (let number = 0; number < 200; number += 1) await world.inner.put(`${LINE}stray ${number}`, '');

    const held = await mutex().tryAcquire();

    expect(held).toBeDefined();
    expect(await mutex().tryAcquire()).toBeUndefined();
    await held?.release();
    expect(await mutex().tryAcquire()).toBeDefined();
  });

  test('foreign keys between waiters do not let anybody pass', async () => {
    const holder = await mutex().acquire();
    await world.inner.put(`${LINE}one`, '');
    const next = track(mutex().acquire());
    await settle();
    await world.inner.put(`${LINE}two`, '');
    await world.inner.put(`${LINE}three`, '');
    const last = track(mutex().acquire());
    await settle();
    expect([next.done, last.done]).toEqual([false, false]);

    await holder.release();
    await settle();
    expect([next.done, last.done]).toEqual([true, false]);
    await next.value?.release();
    await settle();
    expect(last.done).toBe(true);
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ServerError, UnavailableError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { settle } from '../../core/testing/manual-clock.js';
import { NotHeldError } from '../errors.js';
import type { Held } from '../held.js';
import { Session } from '../session/session.js';
import { recordSettings } from '../settings.js';
import { openWorld, track, type World } from '../testing/world.js';
import { currentHeld } from './current-held.js';
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

describe('order', () => {
  test('holders follow each other in the order of their coming, each with a higher fencing token', async () => {
    const held: Held[] = [];
    const waiting = [];
    for (let i = 0; i < 5; i += 1) {
      waiting.push(
        mutex()
          .acquire()
          .then((one) => held.push(one)),
      );
      await settle();
    }

    const tokens: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      expect(held).toHaveLength(i + 1);
      tokens.push((held[i] as Held).fencingToken);
      expect(await (held[i] as Held).release()).toBe('released');
      await settle();
    }

    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(5);
    expect(await line()).toEqual([]);
  });

  test('a free lock costs one transaction, and no watch while it is held briefly', async () => {
    const orders = mutexOn(world.store);
    await (await orders.acquire()).release();
    const callsBefore = world.store.calls.length;

    await (await orders.acquire()).release();

    expect(world.store.calls.slice(callsBefore).map(({ method }) => method)).toEqual(['txn', 'txn']);
    expect(world.store.watchCount).toBe(0);
  });

  test('one release wakes one of fifty waiters, by one transaction', async () => {
    const orders = mutexOn(world.store);
    const first = await orders.acquire();
    const granted: Held[] = [first];
    for (let i = 0; i < 50; i += 1) void orders.acquire().then((held) => granted.push(held));
    await settle();
    await settle();
    expect((await orders.inspect()).waiters).toHaveLength(50);

    for (let i = 0; i < 50; i += 1) {
      const [wakeUpsBefore, callsBefore] = [world.store.wakeUpCount, world.store.calls.length];
      await granted[i]?.release();
      await settle();
      expect(granted).toHaveLength(i + 2);
      expect(world.store.wakeUpCount - wakeUpsBefore).toBe(1);
      expect(world.store.calls.length - callsBefore).toBe(2);
    }
  });

  test('a waiter who leaves does not disturb the others, nor let them pass the holder', async () => {
    const holder = await mutex().acquire();
    const leaving = new AbortController();
    const left = track(mutex().acquire({ signal: leaving.signal }));
    await settle();
    const next = track(mutex().acquire());
    await settle();

    leaving.abort(new Error('enough'));
    await settle();
    expect(left.error).toEqual(new Error('enough'));
    expect(await line()).toHaveLength(2);
    expect(next.done).toBe(false);

    await holder.release();
    await settle();
    expect(next.value?.fencingToken).toBeGreaterThan(holder.fencingToken);
  });

  test('two callers of one object, on one session, queue behind each other', async () => {
    const orders = mutex();
    const one = await orders.acquire();
    const other = track(orders.acquire());
    await settle();
    expect(other.done).toBe(false);

    await one.release();
    await settle();
    expect(other.done).toBe(true);
  });

  test('locks of different names do not meet, whatever is in the names', async () => {
    const orders = mutex();
    const held = await Promise.all([
      orders.acquire({ timeout: 0 }),
      orders.of('q').acquire({ timeout: 0 }),
      orders.of('eu', '42').acquire({ timeout: 0 }),
      orders.of('eu/42').acquire({ timeout: 0 }),
      mutexOn(world.store, { name: 'orders/q' }).tryAcquire(),
    ]);
    expect(held.map((one) => one !== undefined)).toEqual([true, true, true, true, false]);
  });
});

describe('trying', () => {
  test('a free lock is taken, a held one is left without a trace', async () => {
    const held = await mutex().tryAcquire();
    const { revision } = await mutex().inspect();

    expect(await mutex().tryAcquire()).toBeUndefined();

    const after = await mutex().inspect();
    expect(after.revision).toBe(revision);
    expect(after.waiters).toEqual([]);
    await held?.release();
    expect(await mutex().tryAcquire()).toBeDefined();
  });

  test('a timeout of 0 takes the lock if it is free, and else fails at once', async () => {
    const held = await mutex().acquire({ timeout: 0 });
    await expect(mutex().acquire({ timeout: 0 })).rejects.toMatchObject({ code: 'TIMEOUT', waitedMs: 0 });
    await held.release();
    expect(await line()).toEqual([]);
  });

  test.each(['loseReply', 'loseRequest'] as const)(
    'an attempt that ends with %s is recognised when it is repeated',
    async (kind) => {
      const orders = mutexOn(world.store);
      let lost = false;
      world.store.onCall = ({ method }) => (method === 'txn' && !lost ? ((lost = true), { kind }) : undefined);

      const held = track(orders.tryAcquire());
      await world.clock.advance(1_000);

      expect(lost).toBe(true);
      expect(held.value?.fencingToken).toBeGreaterThan(0);
      expect(await line()).toHaveLength(1);
    },
  );
});

describe('releasing', () => {
  test('a second release answers as the first, and asks the store nothing', async () => {
    const orders = mutexOn(world.store);
    const held = await orders.acquire();
    expect(await Promise.all([held.release(), held.release()])).toEqual(['released', 'released']);
    const callCount = world.store.calls.length;
    expect(await held.release()).toBe('released');
    expect(world.store.calls).toHaveLength(callCount);
  });

  test('a late or repeated release never takes the lock from the next holder', async () => {
    const store = world.elsewhere();
    const held = await mutexOn(store).acquire();
    const next = track(mutex().acquire());
    await settle();
    store.onCall = ({ method }) => (method === 'txn' && store.calls.length < 4 ? { kind: 'loseReply' } : undefined);

    const releasing = track(held.release());
    await world.clock.advance(1_000);

    expect(releasing.value).toBe('released');
    next.value?.assertHeld();
    expect(await line()).toHaveLength(1);
  });

  test('a release after a loss answers so', async () => {
    const orders = mutex();
    const held = await orders.acquire();
    await world.inner.lease((await orders.inspect()).holder?.lease as bigint).revoke();
    await world.clock.advance(6_000);
    expect(await held.release()).toBe('lost');
    expect(await held.release()).toBe('lost');
  });

  test('a release that the store cannot confirm while the session lives is lost, and announced so', async () => {
    const store = world.elsewhere();
    const orders = mutexOn(store);
    const ends: string[] = [];
    orders.on('released', () => ends.push('released'));
    orders.on('lost', () => ends.push('lost'));
    const held = await orders.acquire();
    store.onCall = () => ({ kind: 'fail', error: new UnavailableError('away') });

    const releasing = track(held.release());
    await world.clock.advance(12_000);
    expect(releasing.done).toBe(false);
    await world.clock.advance(2_000);

    expect(releasing.value).toBe('lost');
    expect(ends).toEqual(['lost']);
  });

  test('the signal of a released hold aborts, and says that it was released', async () => {
    const held = await mutex().acquire();
    await held.release();
    expect(held.signal.reason).toBeInstanceOf(NotHeldError);
    expect(() => held.assertHeld()).toThrow(NotHeldError);
    await expect(held.guard(world.inner.txn()).commit()).rejects.toMatchObject({ code: 'HOLD_LOST' });
  });

  test('leaving the scope of an await using releases', async () => {
    {
      await using held = await mutex().acquire();
      held.assertHeld();
    }
    expect(await line()).toEqual([]);
  });
});

describe('run', () => {
  test('the work runs under the lock, sees the hold, and its result is passed on', async () => {
    const orders = mutex();
    const token = await orders.run(async (held) => {
      await settle();
      expect(currentHeld()).toBe(held);
      await orders.of('inner').run((inner) => expect(currentHeld()).toBe(inner));
      expect(currentHeld()).toBe(held);
      return held.fencingToken;
    });
    expect(token).toBeGreaterThan(0);
    expect(await line()).toEqual([]);
    expect(() => currentHeld()).toThrow(NotHeldError);
  });

  test("the work's error is thrown as it is, also when the release fails", async () => {
    const store = world.elsewhere();
    const error = new Error('business');
    const running = track(
      mutexOn(store).run(() => {
        store.onCall = () => ({ kind: 'fail', error: new ServerError('no') });
        throw error;
      }),
    );
    await settle();
    expect(running.error).toBe(error);
  });

  test('work that comes to its end after the lock was lost is not passed off as protected', async () => {
    const orders = mutex();
    const running = orders.run(async (held) => {
      await world.inner.lease((await orders.inspect()).holder?.lease as bigint).revoke();
      await world.clock.advance(6_000);
      expect(held.signal.aborted).toBe(true);
      return 'done';
    });
    await expect(running).rejects.toMatchObject({ code: 'HOLD_LOST' });
  });

  test('work that fails because the lock was lost fails with its own error', async () => {
    const orders = mutex();
    const error = new Error('business');
    const running = orders.run(async () => {
      await world.inner.lease((await orders.inspect()).holder?.lease as bigint).revoke();
      await world.clock.advance(6_000);
      throw error;
    });
    await expect(running).rejects.toBe(error);
  });
});

describe('looking', () => {
  test('holder and waiters are shown in order, with what they told of themselves', async () => {
    await mutex({ metadata: { app: 'billing', pid: 'not this' } }).acquire({ metadata: { tenant: 'a' } });
    track(mutex().acquire({ metadata: { tenant: 'b' } }));
    await settle();

    const { holder, waiters } = await mutex().inspect();

    expect(holder).toMatchObject({ metadata: { app: 'billing', tenant: 'a' }, pid: process.pid });
    expect(holder?.host).not.toBe('');
    expect(Date.parse(holder?.since ?? '')).not.toBeNaN();
    expect(waiters.map(({ metadata }) => metadata)).toEqual([{ tenant: 'b' }]);
    expect(waiters[0]?.fencingToken).toBeGreaterThan(holder?.fencingToken as number);
  });

  test('metadata that JSON cannot hold is refused before anything is asked of the line', async () => {
    await expect(mutex().acquire({ metadata: { id: 1n } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'metadata',
    });
    expect(await line()).toEqual([]);
  });

  test('acquired is followed by released or lost, on the lock and on the one it was made from', async () => {
    const orders = mutex();
    const seen: string[] = [];
    orders.on('acquired', (_, name) => seen.push(`acquired ${name}`));
    orders.on('released', (_, name) => seen.push(`released ${name}`));
    orders.on('lost', (_, name) => seen.push(`lost ${name}`));

    await (await orders.of('eu').acquire()).release();
    await orders.acquire();
    await world.inner.lease((await orders.inspect()).holder?.lease as bigint).revoke();
    await world.clock.advance(6_000);

    expect(seen).toEqual(['acquired orders/eu', 'released orders/eu', 'acquired orders', 'lost orders']);
  });
});

describe('construction and disposal', () => {
  test('nothing is asked of the store before the first use', () => {
    new Mutex(world.store, { name: 'orders' }).of('eu');
    expect(world.store.calls).toEqual([]);
  });

  test('a subclass takes its options from what was recorded for it', async () => {
    class OrdersLock extends Mutex {}
    recordSettings(OrdersLock, 'mutex', { name: 'orders', ttl: '30s' });
    const held = await new OrdersLock(world.store).acquire();
    expect(await line()).toHaveLength(1);
    expect(await mutex().tryAcquire()).toBeUndefined();
    expect(new OrdersLock(world.store).of('eu').name).toBe('orders/eu');
    await held.release();
  });

  test('a name that is missing or malformed is refused by the constructor', () => {
    class OrdersLock extends Mutex {}
    expect(() => new OrdersLock(world.store)).toThrow(/OrdersLock\.name/);
    expect(() => new Mutex(world.store, { name: '/orders' })).toThrow(expect.objectContaining({ field: 'name' }));
    expect(() => new Mutex(world.store, { name: 'orders', namespace: '' })).toThrow(
      expect.objectContaining({ field: 'namespace' }),
    );
  });

  test('disposing releases, calls off what waits, ends the session, and is final', async () => {
    const orders = mutex();
    const held = await orders.of('eu').acquire();
    await mutex().acquire();
    const waiting = track(orders.acquire());
    await settle();

    await Promise.all([orders.dispose(), orders[Symbol.asyncDispose]()]);

    expect(waiting.error).toMatchObject({ code: 'CLOSED' });
    expect(held.signal.reason).toBeInstanceOf(NotHeldError);
    expect(await line()).toHaveLength(1);
    expect(await world.keys('conclave/mutex/orders%2Feu')).toEqual([]);
    expect(await world.inner.leases()).toHaveLength(1);
    await expect(orders.acquire()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('a session that was given is shared and outlives the mutex', async () => {
    await using session = await Session.open(world.store);
    const [one, other] = [mutexOn(world.store, { session }), mutexOn(world.store, { session })];
    const held = await one.acquire();
    expect(await other.tryAcquire()).toBeUndefined();
    await one.dispose();
    expect(session.state).toBe('alive');
    expect(await other.tryAcquire()).toBeDefined();
    expect(held.signal.aborted).toBe(true);
  });
});

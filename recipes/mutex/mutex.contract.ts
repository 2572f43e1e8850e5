import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toText } from '../../core/base/bytes.js';
import { prefix } from '../../core/base/key-range.js';
import type { Store } from '../../core/store.js';
import { createRevision, put } from '../../core/txn.js';
import { Session } from '../session/session.js';
import { FaultyStore } from '../testing/faulty-store.js';
import type { RecipeStore } from '../testing/stores.js';
import { until } from '../testing/until.js';
import { Mutex, type MutexOptions } from './mutex.js';

/** What a mutex keeps on every store, in real time: that of an etcd's leases, whose shortest TTL is two seconds. */
export function mutexContract(on: RecipeStore): void {
  describe(`a mutex on ${on.name}`, () => {
    let store: Store;
    let namesMade = 0;

    beforeAll(async () => {
      store = await on.open();
    });
    afterAll(() => on.close());

    const freshName = () => `contract-${(namesMade += 1)}`;
    const keysOf = async (name: string) =>
      (await store.range(prefix(`conclave/mutex/${name}/`))).kvs.map(({ key }) => toText(key));
    /** A mutex in a process of its own. */
    const mutex = (name: string, options: MutexOptions = {}, way: Store = store) =>
      new Mutex(way, { name, ttl: '2s', ...options });

    test('lets one in at a time, in the order of their coming, with growing fencing tokens', async () => {
      const name = freshName();
      const processes = [mutex(name), mutex(name), mutex(name)];
      const tokens: number[] = [];
      let insideCount = 0;
      const work = async (lock: Mutex) => {
        await using held = await lock.acquire({ timeout: '20s' });
        insideCount += 1;
        expect(insideCount).toBe(1);
        tokens.push(held.fencingToken);
        await held
          .guard(store.txn())
          .do(put(`${name}/token`, String(held.fencingToken)))
          .commit();
        insideCount -= 1;
      };

      await Promise.all(Array.from({ length: 30 }, (_, i) => work(processes[i % 3] as Mutex)));

      expect(tokens).toHaveLength(30);
      expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
      expect(new Set(tokens).size).toBe(30);
      expect(toText((await store.get(`${name}/token`))?.value ?? new Uint8Array())).toBe(String(tokens.at(-1)));
      expect(await keysOf(name)).toEqual([]);
      await Promise.all(processes.map((lock) => lock.dispose()));
    });

    test('is tried without a trace', async () => {
      const name = freshName();
      await using one = mutex(name);
      await using other = mutex(name);
      const held = await one.tryAcquire();
      const { revision } = await other.inspect();
      expect(await other.tryAcquire()).toBeUndefined();
      expect((await other.inspect()).revision).toBe(revision);
      await held?.release();
      expect(await other.tryAcquire()).toBeDefined();
    });

    test('passes on at once when its holder closes', async () => {
      const name = freshName();
      const one = mutex(name);
      await using other = mutex(name);
      const held = await one.acquire();
      const next = other.acquire({ timeout: '10s' });
      await until(async () => (await one.inspect()).waiters.length === 1);

      await one.dispose();

      expect((await next).fencingToken).toBeGreaterThan(held.fencingToken);
    });

    test('passes on when its holder is cut off, after that has stopped', async () => {
      const name = freshName();
      const cutOff = new FaultyStore(store);
      const one = mutex(name, {}, cutOff);
      await using other = mutex(name);
      const held = await one.acquire();
      let abortedMs = Number.POSITIVE_INFINITY;
      held.signal.addEventListener('abort', () => (abortedMs = performance.now()));
      cutOff.onCall = () => ({ kind: 'hang' });

      const next = await other.acquire({ timeout: '20s' });

      expect(abortedMs).toBeLessThan(performance.now());
      expect(() => held.assertHeld()).toThrow(expect.objectContaining({ code: 'HOLD_LOST' }));
      await expect(
        held
          .guard(store.txn())
          .do(put(`${name}/late`, ''))
          .commit(),
      ).rejects.toMatchObject({
        code: 'HOLD_LOST',
      });
      expect(await store.get(`${name}/late`)).toBeUndefined();
      next.assertHeld();
    }, 30_000);

    test('is lost by the holder whose key is deleted by hand', async () => {
      const name = freshName();
      await using lock = mutex(name);
      const held = await lock.acquire();
      await store.delete((await keysOf(name))[0] as string);
      await until(() => held.signal.aborted);
      expect(await held.release()).toBe('lost');
    });

    test('tells a waiter whose lease ended so', async () => {
      const name = freshName();
      await using holder = mutex(name);
      await holder.acquire();
      const session = await Session.open(store, { ttl: '2s' });
      const waiting = mutex(name, { session }).acquire();
      waiting.catch(() => undefined);
      await until(async () => (await keysOf(name)).length === 2);

      await store.lease(session.lease).revoke();

      await expect(waiting).rejects.toMatchObject({ code: 'SESSION_LOST' });
      await session.close();
    });

    test('keeps its line through a timeout, a compaction and a foreign key', async () => {
      const name = freshName();
      await using one = mutex(name);
      await using other = mutex(name);
      await store.put(`conclave/mutex/${name}/q/stray`, '');
      const held = await one.acquire();
      await expect(other.acquire({ timeout: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' });
      const next = other.acquire({ timeout: '10s' });
      await until(async () => (await one.inspect()).waiters.length === 1);
      const { revision } = await store.put('noise', '');
      await store.compact(revision);

      await held.release();

      expect((await next).fencingToken).toBeGreaterThan(held.fencingToken);
      expect((await one.inspect()).foreignKeys).toEqual([`conclave/mutex/${name}/q/stray`]);
    });

    test('recognises an attempt whose answer was lost', async () => {
      const name = freshName();
      const faulty = new FaultyStore(store);
      await using lock = mutex(name, {}, faulty);
      faulty.onCall = ({ number }) => (number === 2 ? { kind: 'loseReply' } : undefined);

      const held = await lock.acquire({ timeout: '10s' });

      expect(await keysOf(name)).toHaveLength(1);
      const [key] = await keysOf(name);
      const { succeeded } = await store
        .txn()
        .when(createRevision(key as string).equals(held.fencingToken))
        .commit();
      expect(succeeded).toBe(true);
    });
  });
}

import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { everything, prefix, range } from '../base/key-range.js';
import { startOnHeldLog } from '../member/testing/start.js';
import { ManualClock, settle } from '../testing/manual-clock.js';
import type { WatchBatch } from '../base/operation.js';
import type { WatchStream } from '../store.js';
import { get, put } from '../txn.js';
import { EmbeddedStore } from './embedded-store.js';
import { open } from './open.js';

/** What the port promises on every store is in `core/testing/conformance`; here is what is particular to this one. */
let clock: ManualClock;
let store: EmbeddedStore;
beforeEach(async () => {
  clock = new ManualClock();
  store = await open({ memory: true }, { clock });
});
afterEach(() => store.close());

/** Something of a type that the compiler would refuse. */
function untyped<T>(value: unknown): T {
  return value as T;
}

type Next = Promise<IteratorResult<WatchBatch, undefined>>;

function iterate(stream: WatchStream): { next(): Next } {
  return stream[Symbol.asyncIterator]() as AsyncIterator<WatchBatch, undefined>;
}

describe('arguments that a compiler would have refused', () => {
  test.each([5, null, undefined, {}, ['a']])('%p is no key', async (key) => {
    await expect(store.get(untyped(key))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'key' });
    await expect(store.put(untyped(key), 'v')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(store.range(untyped(key))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(store.delete(untyped(key))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(store.watch(untyped(key)).created).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('a value, an end, a lease, a revision of the wrong type are refused by name', async () => {
    const calls: [string, Promise<unknown>][] = [
      ['value', store.put('a', untyped(5))],
      ['end', store.range({ key: Buffer.from('a'), end: untyped('z'.length) })],
      ['lease', store.put('a', 'b', { lease: untyped(7) })],
      ['lease', store.grantLease('5s', { id: untyped('7') })],
      ['revision', store.get('a', { revision: 1.5 })],
      ['revision', store.range('a', { revision: -1 })],
      ['revision', store.compact(untyped('5'))],
      ['from', store.watch('a', { from: Number.NaN }).created],
      ['ttl', store.grantLease(untyped('5 minutes'))],
    ];

    for (const [field, call] of calls) await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
  });
});

describe('bytes', () => {
  test('that are changed after the call do not change what was put', async () => {
    const [key, value] = [Buffer.from('key'), Buffer.from('value')];
    const putting = store.put(key, value);
    key.fill(0);
    value.fill(0);
    await putting;

    expect(toText((await store.get('key'))!.value)).toBe('value');
  });

  test('that are changed after a watch began do not change what it watches', async () => {
    const key = Buffer.from('a');
    const watch = store.watch(key);
    key.fill(0);
    await store.put('a', '1');

    expect((await iterate(watch).next()).value?.events).toHaveLength(1);
  });
});

describe('an aborted call', () => {
  test('rejects with the reason, at once', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const calls = [
      store.get('a', { signal: stop.signal }),
      store.put('a', '1', { signal: stop.signal }),
      store.delete('a', { signal: stop.signal }),
      store.txn().do(put('b', '1')).commit({ signal: stop.signal }),
      store.grantLease('5s', { signal: stop.signal }),
      store.leases({ signal: stop.signal }),
    ];

    stop.abort(reason);

    for (const call of calls) await expect(call).rejects.toBe(reason);
  });

  test('shares one listener on the signal with all others, and leaves none behind', async () => {
    const { signal } = new AbortController();
    const watch = store.watch('a', { signal });
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.put('a', String(i), { signal })));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);

    await watch[Symbol.asyncDispose]();

    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('a watch', () => {
  test('that asked for progress is told how far it is after a silence, again and again', async () => {
    const { revision } = await store.put('elsewhere', '1');
    const watch = store.watch(prefix('a/'), { progress: true });
    await watch.created;
    const next = iterate(watch);

    for (let i = 0; i < 2; i += 1) {
      const batch = next.next();
      await clock.advance(5_000);
      expect((await batch).value).toEqual({ revision, events: [] });
    }
    const later = await store.put('elsewhere', '2');
    const batch = next.next();
    await clock.advance(5_000);
    expect((await batch).value).toEqual({ revision: later.revision, events: [] });
  });

  test('that did not ask is left in peace, and no timer runs for it', async () => {
    const timers = clock.timerCount;
    const watch = store.watch(prefix('a/'));
    await watch.created;

    expect(clock.timerCount).toBe(timers);
  });

  test('counts silence from the last batch', async () => {
    const watch = store.watch(prefix('a/'), { progress: true });
    const next = iterate(watch);
    const first = next.next();
    await clock.advance(4_000);
    await store.put('a/1', '1');
    expect((await first).value?.events).toHaveLength(1);

    let told = false;
    const second = next.next().then(() => (told = true));
    await clock.advance(4_999);
    expect(told).toBe(false);
    await clock.advance(1);
    await second;
  });

  test('serves several who wait in the order in which they asked', async () => {
    const watch = store.watch(prefix('a/'));
    const next = iterate(watch);
    const [first, second] = [next.next(), next.next()];
    await store.put('a/1', '1');
    await store.put('a/2', '2');

    const keys = (await Promise.all([first, second])).map(({ value }) => toText(value!.events[0]!.kv.key));
    expect(keys).toEqual(['a/1', 'a/2']);
  });

  test('whose disposal comes while somebody waits ends for them', async () => {
    const timers = clock.timerCount;
    const watch = store.watch(prefix('a/'), { progress: true });
    const waiting = iterate(watch).next();
    await watch[Symbol.asyncDispose]();

    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(clock.timerCount).toBe(timers);
  });

  test('tells its failure once, and is over then', async () => {
    const watch = store.watch(range('b', 'a'));
    const next = iterate(watch);

    await expect(next.next()).rejects.toMatchObject({ code: 'EMPTY_RANGE' });
    expect(await next.next()).toEqual({ done: true, value: undefined });
  });

  test('of an empty key is refused', async () => {
    await expect(store.watch('').created).rejects.toMatchObject({ code: 'EMPTY_KEY' });
  });

  test('on a signal that has aborted never begins', async () => {
    const reason = new Error('enough');
    const watch = store.watch('a', { signal: AbortSignal.abort(reason) });

    await expect(watch.created).rejects.toBe(reason);
    await expect(iterate(watch).next()).rejects.toBe(reason);
  });
});

describe('closing', () => {
  test('lets what is under way finish, ends watches, and refuses what comes later', async () => {
    const watch = store.watch(everything());
    const waiting = iterate(watch).next();
    await watch.created;
    const lease = await store.grantLease('5s');
    const writing = store.put('a', '1');
    const reading = store.get('a');

    const closing = store.close();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;

    expect(await writing).toMatchObject({ revision: 2 });
    await reading;
    const later = [
      store.get('a'),
      store.put('a', '2'),
      store.txn().do(get('a')).commit(),
      store.grantLease('5s'),
      lease.keepAlive(),
      store.compact(1),
      store.watch('a').created,
    ];
    for (const call of later) await expect(call).rejects.toMatchObject({ code: 'CLOSED' });
    expect(await store.stopped).toBeUndefined();
  });

  test('twice, or by `await using`, is the same as once', async () => {
    {
      await using scoped = await open({ memory: true });
      await scoped.put('a', '1');
      await scoped.close();
    }
    await Promise.all([store.close(), store.close()]);
  });

  test('leaves no timer behind', async () => {
    store.watch('a', { progress: true });
    await store.close();

    expect(clock.timerCount).toBe(0);
  });
});

describe('a ttl', () => {
  test.each([
    ['1500ms', 2],
    ['2001ms', 3],
    [2_000, 2],
    ['1m', 60],
  ] as const)('of %p is granted as %d whole seconds', async (ttl, seconds) => {
    expect((await store.grantLease(ttl)).ttlSeconds).toBe(seconds);
  });
});

test('a member that fails ends its watches with the reason, and everything later fails with it', async () => {
  const { member, log } = await startOnHeldLog();
  const failing = new EmbeddedStore({ member, close: () => member.close() }, { watchProgressMs: 1_000 });
  const waiting = iterate(failing.watch('a')).next();
  log.isHeld = true;
  const writing = failing.put('a', '1');
  await settle();
  log.last.fail(new Error('EIO'));

  await expect(waiting).rejects.toMatchObject({ code: 'MEMBER_STOPPED' });
  await expect(writing).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  await expect(failing.get('a')).rejects.toMatchObject({ code: 'MEMBER_STOPPED' });
  await expect(failing.watch('a').created).rejects.toMatchObject({ code: 'MEMBER_STOPPED' });
  expect(await failing.stopped).toMatchObject({ code: 'MEMBER_STOPPED' });
  await failing.close();
});

test('options outside their limits are refused when the store is opened', async () => {
  await expect(open({ memory: true }, { readsMax: 0 })).rejects.toMatchObject({ field: 'readsMax' });
  await expect(open({ dataDir: '' })).rejects.toMatchObject({ field: 'dataDir' });
  for (const listen of ['nonsense', 'http://127.0.0.1:0/path', { host: '', port: 0 }]) {
    await expect(open({ memory: true }, { listen })).rejects.toMatchObject({ field: 'listen' });
  }
  await expect(open({ memory: true }, { listen: 'https://127.0.0.1:0' })).rejects.toMatchObject({ field: 'clientTls' });
  await expect(open({ memory: true }, { listen: { host: '127.0.0.1', port: 65_536 } })).rejects.toMatchObject({
    field: 'listen',
  });
});

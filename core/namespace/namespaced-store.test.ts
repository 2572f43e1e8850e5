import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { everything, fromKey, prefix, range } from '../base/key-range.js';
import { LIMITS } from '../base/limits.js';
import type { DeleteResult, RangeResult, TxnResult, WatchBatch } from '../base/operation.js';
import { open } from '../embedded/open.js';
import type { Store } from '../store.js';
import { failsWith, keyTexts, texts, WatchReader } from '../testing/conformance/fixture.js';
import { get, put, remove, version } from '../txn.js';

let store: Store;
let team: Store;
beforeAll(async () => {
  store = await open({ memory: true });
});
afterAll(() => store.close());

/** The nearest neighbours that keys can be: what is before the namespace, its own prefix, and what comes right after it. */
const NEIGHBOURS = ['a', 'a.', 'a/', 'a0', 'b'];
beforeEach(async () => {
  await store.delete(everything());
  for (const key of NEIGHBOURS) await store.put(key, 'neighbour');
  team = store.namespace('a/');
});

const neighbours = async () =>
  (await store.range(everything())).kvs
    .filter(({ key, version }) => NEIGHBOURS.includes(toText(key)) && version === 1)
    .map(({ key }) => toText(key));

describe('keys', () => {
  test('carry the prefix in the store and not within', async () => {
    await team.put('k', '1');

    expect(texts([(await team.get('k'))!])).toEqual(['k=1']);
    expect(texts([(await store.get('a/k'))!])).toEqual(['a/k=1']);
  });

  test('the prefix itself is no key of the namespace', async () => {
    await team.put('k', '1');

    expect(keyTexts((await team.range(everything())).kvs)).toEqual(['k']);
    await failsWith('EMPTY_KEY', () => team.get(''));
    await failsWith('EMPTY_KEY', () => team.range({ key: new Uint8Array(0), end: Uint8Array.of(0) }));
    await failsWith('EMPTY_KEY', () => team.delete({ key: new Uint8Array(0), end: Uint8Array.of(0) }));
    expect(await neighbours()).toEqual(NEIGHBOURS);
  });

  test.each([
    ['everything', everything()],
    ['from the first key on', fromKey(Uint8Array.of(0))],
    ['a prefix that ends with 0xff', prefix(Uint8Array.of(0xff))],
    ['a range past the last key', range(Uint8Array.of(0), Uint8Array.of(0xff, 0xff, 0xff))],
    ['a range that ends before its start', range('z', 'b')],
    ['a range whose end is empty', range('b', '')],
  ])('%s stays within the namespace when it is deleted', async (_, target) => {
    await team.put('k', '1');

    await team.delete(target);

    expect(await neighbours()).toEqual(NEIGHBOURS);
  });

  test('a namespace of 0xff alone, after which no key can come, has all of its keys', async () => {
    const last = store.namespace(Uint8Array.of(0xff));
    await last.put(Uint8Array.of(0), 'first');
    await last.put(Uint8Array.of(0xff, 0xff), 'last');

    expect((await last.range(everything())).kvs.map(({ value }) => toText(value))).toEqual(['first', 'last']);
    expect((await last.delete(everything())).deleted).toBe(2);
    expect(await neighbours()).toEqual(NEIGHBOURS);
  });

  test('a prefix that its owner changes afterwards stays what it was', async () => {
    const bytes = Buffer.from('a/');
    const view = store.namespace(bytes);
    bytes[0] = 'b'.charCodeAt(0);
    await view.put('k', '1');

    expect(await store.get('a/k')).toBeDefined();
  });

  test('what was before is told without the prefix', async () => {
    await team.put('k', '1');

    expect(texts([(await team.put('k', '2', { previous: true })).previous!])).toEqual(['k=1']);
    expect(texts((await team.delete('k', { previous: true })).previous)).toEqual(['k=2']);
  });
});

describe('transactions', () => {
  test('conditions, operations and what is nested in them stay within the namespace', async () => {
    await team.put('k', '1');
    const nested = team
      .txn()
      .when(version('k').equals(1))
      .do(remove(prefix('k'), { previous: true }), get('k'));

    const answer = await team
      .txn()
      .when(version('a').equals(0), version(fromKey('k')).equals(1))
      .do(put('z', '2', { previous: true }), get(everything()), nested.asOperation())
      .commit();

    const [, read, inner] = answer.responses as [unknown, RangeResult, TxnResult];
    expect(answer.succeeded).toBe(true);
    expect(texts(read.kvs)).toEqual(['k=1', 'z=2']);
    expect(inner.responses[0]).toMatchObject({ deleted: 1 });
    expect(texts((inner.responses[0] as DeleteResult).previous)).toEqual(['k=1']);
    expect(await neighbours()).toEqual(NEIGHBOURS);
  });

  test('an empty key anywhere in it is refused, and nothing is done', async () => {
    const nested = team.txn().do(put('', 'x'));

    await failsWith('EMPTY_KEY', () => team.txn().do(put('k', '1'), nested.asOperation()).commit());
    await failsWith('EMPTY_KEY', () => team.txn().when(version('').equals(0)).do(put('k', '1')).commit());
    expect(await team.get('k')).toBeUndefined();
  });
});

describe('errors', () => {
  test('name keys as the caller does', async () => {
    const missing = await failsWith('KEY_NOT_FOUND', () => team.put('k', '', { ignoreValue: true }));
    const twice = await failsWith('DUPLICATE_KEY', () => team.txn().do(put('k', '1'), put('k', '2')).commit());
    const empty = await failsWith('EMPTY_RANGE', () => team.watch(range('z', 'b')).created);

    for (const error of [missing, twice]) expect(toText((error as unknown as { key: Uint8Array }).key)).toBe('k');
    for (const error of [missing, twice, empty]) expect(error.message).not.toContain('a/');
  });

  test('what is no key is refused by name', async () => {
    const wrong = 5 as unknown as string;

    await failsWith('INVALID_ARGUMENT', () => team.get(wrong));
    await failsWith('INVALID_ARGUMENT', () => team.range({ key: wrong } as never));
    await failsWith('INVALID_ARGUMENT', () => team.watch(wrong).created);
  });
});

describe('watches', () => {
  test('deliver what happens within, without the prefix, with what was before', async () => {
    const { revision } = await team.put('k', '1');
    const watch = new WatchReader(team.watch(everything(), { from: revision, previous: true }));
    await store.put('a0', 'not seen');
    await store.txn().do(put('a/k', '2'), put('b', 'not seen'), put('a/', 'not seen')).commit();

    expect(await watch.events(2)).toEqual(['put k=1', 'put k=2']);
    expect(toText(watch.batches.at(-1)!.events[0]!.previous!.key)).toBe('k');
    await watch.close();
  });

  test('tell the progress of the whole store, while nothing happens within', async () => {
    await using quiet = await open({ memory: true }, { watchProgressMs: 100 });
    const watch = new WatchReader(quiet.namespace('a/').watch(everything(), { progress: true }));
    await watch.stream.created;
    const { revision } = await quiet.put('b', '1');

    let told = 0;
    while (told < revision) {
      const next = (await watch.next()) as IteratorResult<WatchBatch, undefined>;
      told = next.value?.revision ?? Infinity;
    }

    expect(told).toBe(revision);
    expect(watch.batches).toEqual([]);
    await watch.close();
  });

  test('an aborted signal ends them with its reason, even one that has aborted before', async () => {
    const reason = new Error('enough');
    const stop = new AbortController();
    const watch = new WatchReader(team.watch('k', { signal: stop.signal }));
    stop.abort(reason);

    await expect(watch.next()).rejects.toBe(reason);
    await expect(team.watch('k', { signal: stop.signal }).created).rejects.toBe(reason);
  });
});

describe('leases', () => {
  test('tell those of their keys that are within, without the prefix', async () => {
    const lease = await team.grantLease('60s');
    await team.put('k', '1', { lease });
    await store.put('elsewhere', '1', { lease });
    await store.put('a/', 'neighbour', { lease });

    expect((await lease.timeToLive({ keys: true })).keys.map(toText)).toEqual(['k']);
    expect((await team.lease(lease.id).timeToLive({ keys: true })).keys.map(toText)).toEqual(['k']);
    expect((await store.lease(lease.id).timeToLive({ keys: true })).keys).toHaveLength(3);
    await lease.keepAlive();
    await lease.revoke();
    expect(await team.get('k')).toBeUndefined();
  });
});

describe('namespaces of namespaces', () => {
  test('compose', async () => {
    const inner = team.namespace('b/').namespace('c/');
    await inner.put('k', '1');

    expect(await store.get('a/b/c/k')).toBeDefined();
    expect(keyTexts((await team.range(prefix('b/'))).kvs)).toEqual(['b/c/k']);
    expect(keyTexts((await inner.range(everything())).kvs)).toEqual(['k']);
  });
});

describe('closing', () => {
  test('a namespace ends its own watches and calls, and those of namespaces within it; the store goes on', async () => {
    const inner = team.namespace('b/');
    const own = new WatchReader(team.watch('k'));
    const nested = new WatchReader(inner.watch('k'));
    const lease = await team.grantLease('60s');
    const other = new WatchReader(store.namespace('a/').watch('k'));

    await team.close();

    await failsWith('CLOSED', () => own.next());
    await failsWith('CLOSED', () => nested.next());
    await failsWith('CLOSED', () => team.get('k'));
    await failsWith('CLOSED', () => inner.txn().do(put('k', '1')).commit());
    await failsWith('CLOSED', () => team.watch('k').created);
    await failsWith('CLOSED', () => lease.keepAlive());
    await store.put('a/k', '1');
    expect(await other.events(1)).toEqual(['put k=1']);
    await other.close();
  });

  test('the store ends its namespaces', async () => {
    const whole = await open({ memory: true });
    const view = whole.namespace('a/');
    const watch = new WatchReader(view.watch('k'));
    await whole.close();

    await failsWith('CLOSED', () => watch.next());
    await failsWith('CLOSED', () => view.put('k', '1'));
  });
});

describe('prefixes', () => {
  test.each([
    ['an empty text', ''],
    ['no bytes', new Uint8Array(0)],
    ['something else', 5],
    ['nothing', undefined],
    ['one byte too many', 'x'.repeat(LIMITS.namespaceBytes + 1)],
  ])('%s is refused', (_, wrong) => {
    expect(() => store.namespace(wrong as string)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'namespace' }),
    );
  });

  test('one of the greatest length is taken', async () => {
    const view = store.namespace('x'.repeat(LIMITS.namespaceBytes));
    await view.put('k', '1');

    expect(keyTexts((await view.range(everything())).kvs)).toEqual(['k']);
  });
});

import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import type { Clock } from '../base/clock.js';
import { everything, range } from '../base/key-range.js';
import type { RangePageRequest, RangeRequest, RangeResult } from '../base/operation.js';
import { TestStore } from '../mvcc/testing/test-store.js';
import { put, remove } from '../txn.js';
import { longRange } from './long-range.js';

const KEYS = 50_000;
const KEYS_A_TXN = 100;
/** Keys of the whole range that are looked at between two turns. */
const COUNTED_AT_ONCE = 20_000;

let store: TestStore;
const nameOf = (number: number) => `k${100_000 + number}`;

beforeAll(() => {
  store = new TestStore(openMemoryBackend());
  for (let from = 0; from < KEYS; from += KEYS_A_TXN) {
    store.txn({ success: Array.from({ length: KEYS_A_TXN }, (_, at) => put(nameOf(from + at), 'v')) });
  }
});

/** The store as a member has it, and what is asked of it. */
function portOf({ afterFirst = () => {} }: { readonly afterFirst?: () => void } = {}) {
  const asked: RangePageRequest[] = [];
  let turns = 0;
  const soon = (callback: () => void) => {
    turns += 1;
    setImmediate(callback);
  };
  return {
    asked,
    turnCount: () => turns,
    clock: { soon } as unknown as Clock,
    range: async (request: RangeRequest) => store.keyspace.range(request),
    rangePage: async (request: RangePageRequest) => {
      asked.push(request);
      const page = store.keyspace.rangePage(request);
      if (asked.length === 1) afterFirst();
      return page;
    },
  };
}

const ask = (more: Partial<RangeRequest>): RangeRequest => ({ type: 'range', ...everything(), ...more });

/** With all its keys as one text: as lists they are too long to be compared one by one. */
function withDigest({ kvs, ...result }: RangeResult) {
  const digest = createHash('sha256');
  for (const { key, value, modRevision } of kvs) digest.update(key).update(value).update(` ${modRevision} `);
  return { ...result, keyCount: kvs.length, keys: digest.digest('hex') };
}

describe('a range with a limit, or that is only counted', () => {
  test.each<[string, Partial<RangeRequest>]>([
    ['a page of all', { limit: 10 }],
    ['a page without values', { limit: 10, keysOnly: true }],
    ['as many as there are', { limit: KEYS }],
    ['more than there are', { limit: KEYS + 1 }],
    ['one less than there are', { limit: KEYS - 1 }],
    ['a count', { countOnly: true }],
    ['a count with a limit', { countOnly: true, limit: 3 }],
    ['the past', { limit: 10, revision: 100 }],
    ['a count of the past', { countOnly: true, revision: 250 }],
    ['the end', { ...range(nameOf(KEYS - 5), 'l'), limit: 10 }],
    ['nothing', { ...range('x', 'y'), limit: 10 }],
    ['no range', { ...range('y', 'x'), limit: 10 }],
  ])('is answered as if it were read at once: %s', async (_, request) => {
    const [found, atOnce] = [await longRange(portOf(), ask(request)), store.keyspace.range(ask(request))];

    expect(withDigest(found)).toEqual(withDigest(atOnce));
  });

  test('lets others have their turn, and is as of its first part', async () => {
    const revision = store.keyspace.revision;
    const port = portOf({
      afterFirst: () => store.txn({ success: [remove(nameOf(3)), remove(nameOf(KEYS - 1)), put('zzz', 'new')] }),
    });

    const { count, kvs, revision: answered } = await longRange(port, ask({ limit: 10 }));

    expect([count, kvs.length, answered]).toEqual([KEYS, 10, revision]);
    expect(port.turnCount()).toBe(Math.ceil((KEYS - 10) / COUNTED_AT_ONCE));
    expect(port.asked.map(({ serializable }) => serializable)).toEqual([false, true, true, true]);
    store.txn({ success: [put(nameOf(3), 'v'), put(nameOf(KEYS - 1), 'v'), remove('zzz')] });
  });

  test('of few keys is one part', async () => {
    const port = portOf();

    await longRange(port, ask({ ...range(nameOf(0), nameOf(5)), limit: 10 }));

    expect([port.asked.length, port.turnCount()]).toEqual([1, 0]);
  });

  test('whose revision is compacted on the way is read at once', async () => {
    const port = portOf({ afterFirst: () => store.compact(store.keyspace.revision) });
    store.txn({ success: [put(nameOf(0), 'later')] });
    const older = portOf({
      afterFirst: () => {
        store.txn({ success: [put(nameOf(0), 'latest')] });
        store.compact(store.keyspace.revision);
      },
    });

    expect((await longRange(port, ask({ limit: 10 }))).count).toBe(KEYS);
    expect((await longRange(older, ask({ limit: 10 }))).count).toBe(KEYS);
    const past = store.keyspace.revision - 1;
    await expect(longRange(portOf(), ask({ limit: 10, revision: past }))).rejects.toMatchObject({ code: 'COMPACTED' });
  });
});

test.each<[string, Partial<RangeRequest>]>([
  ['has no limit', {}],
  ['is sorted', { limit: 3, sortTarget: 'value', sortOrder: 'descend' }],
  ['is filtered', { limit: 3, minModRevision: 2 }],
])('a range that %s is read as a whole', async (_, request) => {
  const port = portOf();

  const { kvs } = await longRange(port, { ...ask(request), ...range(nameOf(0), nameOf(5)) });

  expect(kvs.length).toBeGreaterThanOrEqual(3);
  expect(port.asked).toEqual([]);
});

test('a single key is read as a whole', async () => {
  const port = portOf();

  await longRange(port, { type: 'range', key: Buffer.from(nameOf(1)), limit: 1 });

  expect(port.asked).toEqual([]);
});

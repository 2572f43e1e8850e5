import { beforeEach, describe, expect, it } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { CompactedError, FutureRevisionError } from '../base/errors.js';
import { everything } from '../base/key-range.js';
import { put, remove, show, TestStore } from './testing/test-store.js';

let store: TestStore;

beforeEach(() => {
  store = new TestStore();
});

describe('a keyspace', () => {
  it('begins at revision 1 and was never compacted', () => {
    expect([store.keyspace.revision, store.keyspace.compactRevision]).toEqual([1, 0]);
    expect(store.range(everything())).toEqual({ type: 'range', revision: 1, kvs: [], count: 0, more: false });
  });

  it('makes one revision a write', () => {
    store.put('a', '1');
    store.txn({ success: [put('b', '1'), put('c', '1')] });
    store.delete(everything());

    expect(store.revision).toBe(4);
  });
});

describe('a read', () => {
  beforeEach(() => {
    store.put('a', '1'); // 2
    store.put('a', '2'); // 3
    store.delete('a'); // 4
    store.put('a', '3'); // 5
  });

  it('of a revision sees the keyspace as it was then', () => {
    const values = [1, 2, 3, 4, 5].map((revision) => show(store.range('a', { revision }).kvs));

    expect(values).toEqual(['', 'a=1', 'a=2', '', 'a=3']);
    expect(store.get('a', 3)).toMatchObject({ createRevision: 2, modRevision: 3, version: 2 });
  });

  it('of revision 0 or less sees the latest', () => {
    for (const revision of [0, -1, -100]) expect(show(store.range('a', { revision }).kvs)).toBe('a=3');
    store.compact(5);
    expect(show(store.range('a', { revision: -1 }).kvs)).toBe('a=3');
  });

  it('of a future revision fails', () => {
    expect(() => store.range('a', { revision: 6 })).toThrow(new FutureRevisionError(6, 5));
    expect(show(store.range('a', { revision: 5 }).kvs)).toBe('a=3');
  });

  it('of a compacted revision fails, of the compact revision does not', () => {
    store.compact(3);

    expect(() => store.range('a', { revision: 2 })).toThrow(new CompactedError(2, 3));
    expect(show(store.range('a', { revision: 3 }).kvs)).toBe('a=2');
  });
});

describe('a keyspace that is opened again', () => {
  it('is what it was', () => {
    store.put('a', '1', { lease: 3n });
    store.put('b', '1');
    store.put('a', '2');
    store.txn({ success: [remove('b'), put('c', '1')] });
    const before = [1, 2, 3, 4, 5].map((revision) => store.range(everything(), { revision }));

    store.reopen();

    expect([1, 2, 3, 4, 5].map((revision) => store.range(everything(), { revision }))).toEqual(before);
    expect(store.put('a', '3', { previous: true })).toMatchObject({ revision: 6, previous: { version: 2 } });
    expect(store.get('a')).toMatchObject({ createRevision: 2, version: 3 });
  });

  it('names the keys that live by a lease', () => {
    store.put('a', '1', { lease: 3n });
    store.put('b', '1', { lease: 4n });
    store.put('c', '1', { lease: 3n });
    store.put('d', '1');
    store.put('e', '1', { lease: 3n });
    store.put('b', '2');
    store.put('c', '2', { lease: -5n });
    store.delete('e');
    store.reopen();

    expect([...store.keyspace.leasedKeys()].map(([key, lease]) => `${toText(key)}:${lease}`)).toEqual(['a:3', 'c:-5']);
  });
});

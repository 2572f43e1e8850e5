import { beforeEach, describe, expect, it } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { everything, fromKey, key, range } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import type { RangePage, RangePageRequest } from '../base/operation.js';
import { show, TestStore } from './testing/test-store.js';

const UNBOUND = { revision: 0, serializable: true, keysOnly: false, keysMax: 100, bytesMax: 1_000, visitsMax: 100 };

let store: TestStore;

beforeEach(() => {
  store = new TestStore();
  for (const name of ['a', 'b', 'c', 'd', 'e']) store.put(name, '1'); // 2 to 6
});

function page(target: KeyRange, part: Partial<RangePageRequest> = {}): RangePage {
  return store.keyspace.rangePage({ ...UNBOUND, ...target, ...part });
}

const told = ({ kvs, count, next }: RangePage) => `${show(kvs)} (${count}) ${next === undefined ? '.' : toText(next)}`;

describe('a part of a range', () => {
  it('is all of it where nothing bounds it', () => {
    expect(told(page(range('b', 'd')))).toBe('b=1 c=1 (2) .');
    expect(told(page(everything()))).toBe('a=1 b=1 c=1 d=1 e=1 (5) .');
    expect(told(page(key('c')))).toBe('c=1 (1) .');
    expect(told(page(key('x')))).toBe(' (0) .');
    expect(told(page(range('c', 'b')))).toBe(' (0) .');
    expect(page(everything()).revision).toBe(6);
  });

  it('ends at its bound of keys, and not before', () => {
    expect(told(page(everything(), { keysMax: 4 }))).toBe('a=1 b=1 c=1 d=1 (4) e');
    expect(told(page(everything(), { keysMax: 5 }))).toBe('a=1 b=1 c=1 d=1 e=1 (5) .');
    expect(told(page(fromKey('e'), { keysMax: 1 }))).toBe('e=1 (1) .');
  });

  it('ends at its bound of bytes, and not before, but has one key at least', () => {
    expect(told(page(everything(), { bytesMax: 6 }))).toBe('a=1 b=1 c=1 (3) d');
    expect(told(page(everything(), { bytesMax: 5 }))).toBe('a=1 b=1 (2) c');
    expect(told(page(everything(), { bytesMax: 1 }))).toBe('a=1 (1) b');
  });

  it('ends at its bound of keys looked at, those that are gone included', () => {
    for (const name of ['a', 'b', 'c']) store.delete(name);

    expect(told(page(everything(), { visitsMax: 2 }))).toBe(' (0) c');
    expect(told(page(everything(), { visitsMax: 4 }))).toBe('d=1 (1) e');
    expect(told(page(everything(), { visitsMax: 5 }))).toBe('d=1 e=1 (2) .');
  });

  it('only counts where no key is to be told', () => {
    expect(told(page(everything(), { keysMax: 0, bytesMax: 0, visitsMax: 3 }))).toBe(' (3) d');
    expect(told(page(fromKey('d'), { keysMax: 0, bytesMax: 0, visitsMax: 3 }))).toBe(' (2) .');
  });

  it('may be without values', () => {
    expect(page(key('a'), { keysOnly: true }).kvs).toMatchObject([{ value: { length: 0 }, version: 1 }]);
  });

  it('is of one revision, whatever happens between the parts', () => {
    const { revision } = store;
    const first = page(everything(), { keysMax: 2 });
    store.put('c', '2');
    store.put('bb', '2');
    store.delete('d');

    const rest = page(fromKey(first.next as Uint8Array), { revision });

    expect(told(rest)).toBe('c=1 d=1 e=1 (3) .');
    expect(rest.revision).toBe(revision + 3);
  });

  it('is refused of a revision that was compacted, or is to come', () => {
    store.put('a', '2');
    store.compact(4);

    expect(() => page(everything(), { revision: 3 })).toThrow(expect.objectContaining({ code: 'COMPACTED' }));
    expect(() => page(everything(), { revision: 8 })).toThrow(expect.objectContaining({ code: 'FUTURE_REVISION' }));
    expect(told(page(key('a'), { revision: 4 }))).toBe('a=1 (1) .');
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { everything, fromKey, prefix, range } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import type { RangeRequest } from '../base/operation.js';
import { show, TestStore } from './testing/test-store.js';

let store: TestStore;

beforeEach(() => {
  store = new TestStore();
  store.put('c', '1'); // 2
  store.put('a', '3'); // 3
  store.put('d', '2'); // 4
  store.put('b', '2', { lease: 9n }); // 5
  store.put('a', '3'); // 6
  store.put('c', '0'); // 7
  store.put('c', '1'); // 8
});

function keys(options: Partial<RangeRequest>, target: KeyRange = everything()): string {
  return store
    .range(target, options)
    .kvs.map(({ key }) => toText(key))
    .join('');
}

describe('a range', () => {
  it('gives the keys from its first up to its end, in byte order', () => {
    expect(show(store.range(range('b', 'd')).kvs)).toBe('b=2 c=1');
    expect(keys({})).toBe('abcd');
    expect(keys({}, fromKey('c'))).toBe('cd');
    expect(keys({}, prefix('b'))).toBe('b');
  });

  it('gives one key where it has no end', () => {
    expect(store.range('b').kvs).toMatchObject([{ createRevision: 5, modRevision: 5, version: 1, lease: 9n }]);
    expect(store.range('x')).toMatchObject({ kvs: [], count: 0, more: false, revision: 8 });
  });

  it('is empty, and no error, where its end is not after its start', () => {
    expect(store.range(range('c', 'b'))).toMatchObject({ kvs: [], count: 0, more: false });
    expect(store.range(range('b', 'b'))).toMatchObject({ kvs: [], count: 0, more: false });
  });

  it('answers the present revision whatever revision it reads', () => {
    expect(store.range(everything(), { revision: 3 }).revision).toBe(8);
  });
});

describe('a limit', () => {
  it('cuts off what is more than it and says so', () => {
    expect(store.range(everything(), { limit: 3 })).toMatchObject({ kvs: { length: 3 }, count: 4, more: true });
    expect(store.range(everything(), { limit: 4 })).toMatchObject({ kvs: { length: 4 }, count: 4, more: false });
    expect(store.range(everything(), { limit: 5 })).toMatchObject({ kvs: { length: 4 }, count: 4, more: false });
  });

  it('of 0 or less is none', () => {
    expect(store.range(everything(), { limit: 0 })).toMatchObject({ kvs: { length: 4 }, more: false });
    expect(store.range(everything(), { limit: -1 })).toMatchObject({ kvs: { length: 4 }, more: false });
  });

  it('cuts after filters and sorting, while the count is that of the range', () => {
    const found = store.range(everything(), {
      limit: 2,
      minModRevision: 5,
      sortTarget: 'modRevision',
      sortOrder: 'descend',
    });

    expect([show(found.kvs), found.count, found.more]).toEqual(['c=1 a=3', 4, true]);
  });

  it('that is reached exactly after a filter leaves nothing more', () => {
    expect(store.range(everything(), { limit: 3, minModRevision: 5 })).toMatchObject({ count: 4, more: false });
  });
});

describe('counting only', () => {
  it('gives the count, no keys, and never more', () => {
    expect(store.range(everything(), { countOnly: true, limit: 2 })).toEqual({
      type: 'range',
      revision: 8,
      kvs: [],
      count: 4,
      more: false,
    });
  });

  it('counts before filters, at the revision asked for', () => {
    expect(store.range(everything(), { countOnly: true, minModRevision: 100 }).count).toBe(4);
    expect(store.range(everything(), { countOnly: true, revision: 3 }).count).toBe(2);
    expect(store.range('a', { countOnly: true, revision: 2 }).count).toBe(0);
  });
});

describe('keys only', () => {
  it('leaves out values and nothing else', () => {
    expect(store.range('b', { keysOnly: true }).kvs).toEqual([
      expect.objectContaining({ createRevision: 5, modRevision: 5, version: 1, lease: 9n }),
    ]);
    expect(store.range('b', { keysOnly: true }).kvs[0]?.value).toHaveLength(0);
    expect(toText(store.range('b').kvs[0]?.value as Uint8Array)).toBe('2');
  });

  it('may still be sorted by value', () => {
    expect(keys({ keysOnly: true, sortTarget: 'value', sortOrder: 'descend' })).toBe('abdc');
  });
});

describe('sorting', () => {
  it.each<[options: Partial<RangeRequest>, expected: string]>([
    [{ sortTarget: 'key', sortOrder: 'ascend' }, 'abcd'],
    [{ sortTarget: 'key', sortOrder: 'descend' }, 'dcba'],
    [{ sortOrder: 'descend' }, 'dcba'],
    [{ sortTarget: 'version', sortOrder: 'ascend' }, 'bdac'],
    [{ sortTarget: 'version', sortOrder: 'descend' }, 'cabd'],
    [{ sortTarget: 'createRevision', sortOrder: 'ascend' }, 'cadb'],
    [{ sortTarget: 'createRevision', sortOrder: 'descend' }, 'bdac'],
    [{ sortTarget: 'modRevision', sortOrder: 'ascend' }, 'dbac'],
    [{ sortTarget: 'modRevision', sortOrder: 'descend' }, 'cabd'],
    [{ sortTarget: 'value', sortOrder: 'ascend' }, 'cbda'],
    [{ sortTarget: 'value', sortOrder: 'descend' }, 'abdc'],
  ])('by %j gives %s', (options, expected) => {
    expect(keys(options)).toBe(expected);
  });

  it('by anything but the key ascends where no order is given', () => {
    expect(keys({ sortTarget: 'createRevision' })).toBe('cadb');
    expect(keys({ sortTarget: 'createRevision', sortOrder: 'none' })).toBe('cadb');
    expect(keys({ sortTarget: 'value', sortOrder: 'none' })).toBe('cbda');
  });

  it('sorts the past by what it was', () => {
    expect(keys({ revision: 5, sortTarget: 'modRevision' })).toBe('cadb');
    expect(keys({ revision: 7, sortTarget: 'version', sortOrder: 'descend' })).toBe('acbd');
    expect(keys({ revision: 7, sortTarget: 'value' })).toBe('cbda');
  });

  it('finds the first that was created with a limit of 1', () => {
    expect(store.range(everything(), { limit: 1, sortTarget: 'createRevision', sortOrder: 'ascend' })).toMatchObject({
      kvs: [{ createRevision: 2 }],
      more: true,
    });
  });
});

describe('filters on revisions', () => {
  it.each<[options: Partial<RangeRequest>, expected: string]>([
    [{ minModRevision: 6 }, 'ac'],
    [{ maxModRevision: 5 }, 'bd'],
    [{ minModRevision: 5, maxModRevision: 6 }, 'ab'],
    [{ minCreateRevision: 4 }, 'bd'],
    [{ maxCreateRevision: 3 }, 'ac'],
    [{ maxCreateRevision: 2 }, 'c'],
    [{ minCreateRevision: 3, maxCreateRevision: 4 }, 'ad'],
    [{ minModRevision: 5, maxCreateRevision: 3 }, 'ac'],
    [{ minModRevision: 0, maxModRevision: 0, minCreateRevision: 0, maxCreateRevision: 0 }, 'abcd'],
    [{ minModRevision: 100 }, ''],
    [{ revision: 5, minModRevision: 3, maxModRevision: 4 }, 'ad'],
    [{ revision: 7, maxCreateRevision: 2 }, 'c'],
  ])('%j leave %j', (options, expected) => {
    expect(keys(options)).toBe(expected);
  });
});

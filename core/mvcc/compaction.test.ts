import { beforeEach, describe, expect, it } from '@jest/globals';
import { InvariantError } from '../base/assert.js';
import { CompactedError, FutureRevisionError } from '../base/errors.js';
import { everything, fromKey } from '../base/key-range.js';
import { readCompactRevision } from './compaction.js';
import { put, remove, show, showEvents, TestStore } from './testing/test-store.js';

let store: TestStore;

beforeEach(() => {
  store = new TestStore();
  store.put('a', '1'); // 2
  store.put('a', '2'); // 3
  store.put('b', '1'); // 4
  store.delete('a'); // 5
  store.put('c', '1'); // 6
});

describe('a compaction', () => {
  it('makes what is before it unreadable, and keeps its own revision readable', () => {
    store.compact(4);

    expect(store.keyspace.compactRevision).toBe(4);
    expect(() => store.range('a', { revision: 3 })).toThrow(new CompactedError(3, 4));
    expect(show(store.range(everything(), { revision: 4 }).kvs)).toBe('a=2 b=1');
    expect(show(store.range(everything(), { revision: 0 }).kvs)).toBe('b=1 c=1');
  });

  it('to the last compacted revision or before is refused', () => {
    store.compact(4);

    for (const revision of [4, 3, 1, 0, -1]) {
      expect(() => store.compact(revision)).toThrow(new CompactedError(revision, 4));
    }
    store.compact(5);
    expect(store.keyspace.compactRevision).toBe(5);
  });

  it('to a future revision is refused, to the present one is not', () => {
    expect(() => store.compact(7)).toThrow(new FutureRevisionError(7, 6));
    store.compact(6);
    expect(show(store.range(everything()).kvs)).toBe('b=1 c=1');
  });

  it('to 0 does nothing while there was none, and is refused afterwards', () => {
    store.compact(0);
    expect(store.keyspace.compactRevision).toBe(0);
    expect(() => store.compact(-1)).toThrow(CompactedError);

    store.compact(2);
    expect(() => store.compact(0)).toThrow(CompactedError);
  });

  it('makes no revision', () => {
    store.compact(6);

    expect(store.revision).toBe(6);
  });

  it('of an empty store changes nothing', () => {
    const empty = new TestStore();
    empty.compact(1);
    empty.scrub();

    expect([empty.keyspace.compactRevision, empty.revision]).toEqual([1, 1]);
    expect(empty.put('a', '1').revision).toBe(2);
  });
});

describe('scrubbing', () => {
  it.each([
    [2, ['2.0', '3.0', '4.0', '5.0', '6.0']],
    [3, ['3.0', '4.0', '5.0', '6.0']],
    [4, ['3.0', '4.0', '5.0', '6.0']],
    [5, ['4.0', '5.0', '6.0']],
    [6, ['4.0', '6.0']],
  ])('after a compaction to %i leaves the latest of each key and a tombstone of that revision', (revision, left) => {
    store.compact(revision);
    store.scrub();

    expect(store.records()).toEqual(left);
  });

  it('frees nothing before a compaction', () => {
    store.scrub();

    expect(store.records()).toHaveLength(5);
  });

  it('frees at most so many at a time and says whether more is left', () => {
    store.compact(6);
    const scrub = (max: number) => {
      let isMoreLeft = false;
      store.backend.write((batch) => (isMoreLeft = store.keyspace.scrub(batch, max)));
      return [isMoreLeft, store.records().length];
    };

    expect([scrub(0), scrub(1), scrub(1), scrub(1), scrub(1)]).toEqual([
      [true, 5],
      [true, 4],
      [true, 3],
      [false, 2],
      [false, 2],
    ]);
  });

  it('says that nothing is left when it frees exactly the last', () => {
    store.compact(6);
    let isMoreLeft = true;
    store.backend.write((batch) => (isMoreLeft = store.keyspace.scrub(batch, 3)));

    expect(isMoreLeft).toBe(false);
  });

  it('goes on after it was interrupted by a restart', () => {
    store.compact(6);
    store.backend.write((batch) => store.keyspace.scrub(batch, 1));
    store.reopen();
    store.scrub();

    expect(store.records()).toEqual(['4.0', '6.0']);
  });

  it('leaves in history what a restart would find', () => {
    store.txn({ success: [put('x', '1'), remove(fromKey('c'))] }); // 7
    store.compact(7);
    store.scrub();
    const history = () => store.keyspace.history({ fromRevision: 7, revisionsMax: 1, target: everything() }).batches;
    const before = history();
    store.reopen();

    expect(showEvents(before.flatMap(({ events }) => events))).toBe('-c@7 -x@7');
    expect(history()).toEqual(before);
  });

  it('can go on while keys are written', () => {
    store.compact(5);
    store.backend.write((batch) => store.keyspace.scrub(batch, 1));
    store.put('a', 'new'); // 7
    store.scrub();
    expect(store.records()).toEqual(['4.0', '5.0', '6.0', '7.0']);

    store.compact(7);
    store.scrub();
    expect(store.records()).toEqual(['4.0', '6.0', '7.0']);
    expect(store.get('a')).toMatchObject({ version: 1, createRevision: 7 });
  });
});

describe('after a restart', () => {
  it('the compact revision is what it was', () => {
    store.compact(5);
    store.reopen();

    expect(store.keyspace.compactRevision).toBe(5);
    expect(() => store.range('a', { revision: 4 })).toThrow(CompactedError);
  });

  it('the revision does not go back when the newest change was a deletion and is compacted', () => {
    store.delete('c');
    store.compact(7);
    store.scrub();
    store.reopen();

    expect(store.revision).toBe(7);
    expect(store.put('d', '1').revision).toBe(8);
  });

  it('versions and create revisions go on from where they were', () => {
    store.put('c', '2');
    store.compact(7);
    store.scrub();
    store.reopen();
    store.put('c', '3');

    expect(store.get('c')).toMatchObject({ version: 3, createRevision: 6, modRevision: 8 });
  });

  it('a key of which only a tombstone is left does not exist', () => {
    store.compact(5);
    store.scrub();
    store.reopen();

    expect(store.range('a')).toMatchObject({ count: 0 });
    store.put('a', 'new');
    expect(store.get('a')).toMatchObject({ version: 1, createRevision: 7 });
  });
});

describe('the record of the compact revision', () => {
  const viewOf = (record: Uint8Array) => ({ get: () => record, scan: () => [] });

  it.each([
    ['cut short', Uint8Array.of(0, 0, 0, 7)],
    ['beyond what is exact', new Uint8Array(16).fill(0xff)],
  ])('is refused if it is %s', (_, record) => {
    expect(() => readCompactRevision(viewOf(record))).toThrow(InvariantError);
  });
});

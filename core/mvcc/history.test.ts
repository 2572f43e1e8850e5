import { beforeEach, describe, expect, it } from '@jest/globals';
import { CompactedError } from '../base/errors.js';
import { everything, fromKey, key, prefix } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import { get, put, remove, showEvents, TestStore } from './testing/test-store.js';

let store: TestStore;

function history(fromRevision: number, target: KeyRange = everything(), revisionsMax = 100): string {
  const { batches, nextRevision } = store.keyspace.history({ fromRevision, revisionsMax, target });
  return `${batches.map(({ revision, events }) => `${revision}: ${showEvents(events)}`).join(', ')} -> ${nextRevision}`;
}

beforeEach(() => {
  store = new TestStore();
  store.put('a', '1'); // 2
  store.txn({ success: [put('b', '1'), remove('a'), put('c', '1')] }); // 3
  store.put('a', '2'); // 4
  store.delete(everything()); // 5
});

describe('history', () => {
  it('gives whole revisions, their changes in order', () => {
    expect(history(1)).toBe('2: +a=1@2, 3: +b=1@3 -a@3 +c=1@3, 4: +a=2@4, 5: -a@5 -b@5 -c@5 -> 6');
  });

  it('begins at a revision, and gives no more revisions than asked for', () => {
    expect(history(3, everything(), 1)).toBe('3: +b=1@3 -a@3 +c=1@3 -> 4');
    expect(history(3, everything(), 2)).toBe('3: +b=1@3 -a@3 +c=1@3, 4: +a=2@4 -> 5');
    expect(history(4, everything(), 2)).toBe('4: +a=2@4, 5: -a@5 -b@5 -c@5 -> 6');
    expect(history(4, everything(), 3)).toBe('4: +a=2@4, 5: -a@5 -b@5 -c@5 -> 6');
  });

  it('leaves out what is not in the target', () => {
    expect(history(1, key('a'))).toBe('2: +a=1@2, 3: -a@3, 4: +a=2@4, 5: -a@5 -> 6');
    expect(history(1, prefix('c'))).toBe('3: +c=1@3, 5: -c@5 -> 6');
    expect(history(1, fromKey('b'))).toBe('3: +b=1@3 +c=1@3, 5: -b@5 -c@5 -> 6');
    expect(history(1, key('x'))).toBe(' -> 6');
  });

  it('advances past revisions that do not match, counting them', () => {
    expect(history(2, key('c'), 1)).toBe(' -> 3');
    expect(history(4, key('b'), 1)).toBe(' -> 5');
  });

  it('is at its end after the present revision', () => {
    expect(history(6)).toBe(' -> 6');
    expect(history(9)).toBe(' -> 9');
  });

  it('gives puts whole', () => {
    store.put('l', 'v', { lease: 5n });
    store.put('l', 'w', { lease: 5n });
    const { batches } = store.keyspace.history({ fromRevision: 7, revisionsMax: 1, target: everything() });

    expect(batches[0]?.events[0]?.kv).toMatchObject({ createRevision: 6, modRevision: 7, version: 2, lease: 5n });
  });

  it('is the same before and after the batch is written', () => {
    store.backend.write((batch) => {
      for (const value of ['x', 'y']) {
        const writer = store.keyspace.begin(batch);
        writer.put(put('n', value));
        writer.finish();
      }
      expect(history(5, everything(), 2)).toBe('5: -a@5 -b@5 -c@5, 6: +n=x@6 -> 7');
      expect(history(7)).toBe('7: +n=y@7 -> 8');
    });

    expect(history(5, everything(), 2)).toBe('5: -a@5 -b@5 -c@5, 6: +n=x@6 -> 7');
    expect(history(7)).toBe('7: +n=y@7 -> 8');
    store.reopen();
    expect(history(6)).toBe('6: +n=x@6, 7: +n=y@7 -> 8');
  });

  it('cannot be read from before the compact revision, but from it', () => {
    store.compact(5);
    store.scrub();

    expect(() => history(4)).toThrow(new CompactedError(4, 5));
    expect(history(5)).toBe('5: -a@5 -b@5 -c@5 -> 6');
  });

  it('skips revisions of which nothing is left', () => {
    store.put('d', '1'); // 6
    store.put('d', '2'); // 7
    store.compact(6);
    store.scrub();

    expect(history(6)).toBe('6: +d=1@6, 7: +d=2@7 -> 8');
    store.compact(7);
    store.scrub();
    expect(history(7)).toBe('7: +d=2@7 -> 8');
  });
});

describe('a key before a revision', () => {
  const previous = (name: string, before: number) => {
    const kv = store.keyspace.previous(get(name).key, before);
    return kv && showEvents([{ type: 'put', kv }]);
  };

  it('is as the revision before left it', () => {
    expect([2, 3, 4, 5, 6].map((before) => previous('a', before))).toEqual([
      undefined,
      '+a=1@2',
      undefined,
      '+a=2@4',
      undefined,
    ]);
    expect(previous('x', 5)).toBeUndefined();
  });

  it('is not known once it is compacted', () => {
    store.compact(4);

    expect(previous('a', 4)).toBeUndefined();
    expect(previous('b', 4)).toBeUndefined();
    expect(previous('b', 5)).toBe('+b=1@3');
  });
});

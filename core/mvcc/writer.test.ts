import { beforeEach, describe, expect, it } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { CompactedError, FutureRevisionError, KeyNotFoundError, LeaseNotFoundError } from '../base/errors.js';
import { everything, fromKey, prefix } from '../base/key-range.js';
import type { Operation, RangeResult, TxnResult } from '../base/operation.js';
import { compare, get, put, remove, show, showEvents, TestStore, txn } from './testing/test-store.js';

let store: TestStore;

beforeEach(() => {
  store = new TestStore();
});

describe('a put', () => {
  it('makes a revision, and a key that does not exist', () => {
    expect(store.put('a', '1')).toEqual({ type: 'put', revision: 2 });
    expect(store.get('a')).toMatchObject({ createRevision: 2, modRevision: 2, version: 1, lease: 0n });
    expect(store.revision).toBe(2);
  });

  it('counts versions and keeps the create revision', () => {
    store.put('a', '1');
    store.put('b', '1');
    store.put('a', '2');

    expect(store.get('a')).toMatchObject({ createRevision: 2, modRevision: 4, version: 2 });
  });

  it('begins anew after a deletion', () => {
    store.put('a', '1');
    store.delete('a');
    store.put('a', '2');

    expect(store.get('a')).toMatchObject({ createRevision: 4, modRevision: 4, version: 1 });
  });

  it('takes an empty value', () => {
    store.put('a', '');

    expect(store.get('a')?.value).toHaveLength(0);
  });

  it('gives the key as it was before, if it existed and was asked for', () => {
    expect(store.put('a', '1', { previous: true })).not.toHaveProperty('previous');
    expect(show([store.put('a', '2', { previous: true }).previous!])).toBe('a=1');
    expect(store.put('a', '3')).not.toHaveProperty('previous');
    store.delete('a');
    expect(store.put('a', '4', { previous: true })).not.toHaveProperty('previous');
  });

  it('without a lease detaches the key from the one it had', () => {
    store.put('a', '1', { lease: 7n });
    expect(store.get('a')?.lease).toBe(7n);

    store.put('a', '2');
    expect(store.get('a')?.lease).toBe(0n);
  });

  it('that keeps the value changes only the lease', () => {
    store.put('a', 'old', { lease: 7n });
    store.put('a', '', { ignoreValue: true, lease: 8n });

    expect(store.get('a')).toMatchObject({ lease: 8n, version: 2, modRevision: 3 });
    expect(show([store.get('a')!])).toBe('a=old');
  });

  it('that keeps the lease changes only the value', () => {
    store.put('a', 'old', { lease: 7n });
    expect(store.put('a', 'new', { ignoreLease: true })).not.toHaveProperty('previous');

    expect(store.get('a')).toMatchObject({ lease: 7n, version: 2 });
    expect(show([store.get('a')!])).toBe('a=new');
  });

  it('that keeps something of a key that does not exist fails and changes nothing', () => {
    expect(() => store.put('a', '', { ignoreValue: true })).toThrow(KeyNotFoundError);
    expect(() => store.put('a', '1', { ignoreLease: true })).toThrow(KeyNotFoundError);
    store.put('a', '1');
    store.delete('a');
    expect(() => store.put('a', '', { ignoreValue: true })).toThrow(KeyNotFoundError);

    expect(store.revision).toBe(3);
    expect(store.records()).toEqual(['2.0', '3.0']);
  });

  it('with a lease that does not exist fails', () => {
    const leased = (lease: bigint) => () => {
      store.backend.write((batch) => {
        const writer = store.keyspace.begin(batch, (id) => id === 7n);
        writer.put(put('a', '1', { lease }));
        writer.finish();
      });
    };

    expect(leased(8n)).toThrow(LeaseNotFoundError);
    expect(store.revision).toBe(1);
    leased(7n)();
    leased(0n)();
    expect(store.revision).toBe(3);
  });
});

describe('a delete', () => {
  beforeEach(() => {
    for (const key of ['c', 'a', 'b']) store.put(key, `${key}1`);
  });

  it('deletes a range in one revision, with events in key order', () => {
    expect(store.delete(everything())).toEqual({ type: 'delete', revision: 5, deleted: 3, previous: [] });
    expect(showEvents(store.events)).toBe('-a@5 -b@5 -c@5');
    expect(store.range(everything()).count).toBe(0);
    expect(store.records().slice(-3)).toEqual(['5.0', '5.1', '5.2']);
  });

  it('of nothing makes no revision', () => {
    expect(store.delete('x')).toEqual({ type: 'delete', revision: 4, deleted: 0, previous: [] });
    expect(store.delete({ key: toBytes('c'), end: toBytes('a') })).toMatchObject({ deleted: 0 });
    expect(store.events).toEqual([]);
    expect(store.revision).toBe(4);
  });

  it('gives the keys as they were before, if asked to', () => {
    expect(show(store.delete(prefix('a'), true).previous)).toBe('a=a1');
    expect(show(store.delete(everything(), true).previous)).toBe('b=b1 c=c1');
  });

  it('tells of a deletion only the key and the revision', () => {
    store.delete('a');

    expect(store.events).toEqual([
      {
        type: 'delete',
        kv: { key: toBytes('a'), value: new Uint8Array(0), createRevision: 0, modRevision: 5, version: 0, lease: 0n },
      },
    ]);
  });
});

describe('a transaction', () => {
  const ranges = (result: TxnResult) =>
    result.responses.map((response) => (response.type === 'range' ? show(response.kvs) : response.type));

  it('takes its success branch when all conditions hold, else the other', () => {
    const request = {
      compares: [compare('a', 'createRevision', 'equal', 0)],
      success: [put('a', 'first')],
      failure: [put('a', 'again')],
    };

    expect(store.txn(request)).toMatchObject({ succeeded: true, revision: 2 });
    expect(store.txn(request)).toMatchObject({ succeeded: false, revision: 3 });
    expect(show([store.get('a')!])).toBe('a=again');
  });

  it('of several changes makes one revision, the changes in order', () => {
    store.put('x', '1');
    const result = store.txn({ success: [put('b', '1'), remove('x'), put('a', '1')] });

    expect(result.revision).toBe(3);
    expect(showEvents(store.events)).toBe('+b=1@3 -x@3 +a=1@3');
    expect(store.records()).toEqual(['2.0', '3.0', '3.1', '3.2']);
  });

  it('that changes nothing makes no revision', () => {
    expect(store.txn({ success: [get('a'), remove('a')] }).revision).toBe(1);
    expect(store.txn({}).revision).toBe(1);
    expect(store.events).toEqual([]);
  });

  it('reads what it wrote before, and nothing it writes later', () => {
    store.put('b', 'old');
    const result = store.txn({
      success: [get('a'), put('a', '1'), get('a'), get(everything()), remove('b'), get(everything()), put('c', '1')],
    });

    expect(ranges(result)).toEqual(['', 'put', 'a=1', 'a=1 b=old', 'delete', 'a=1', 'put']);
  });

  it('counts, limits, sorts and filters over its own writes', () => {
    store.put('b', '1');
    store.put('d', '2');
    const [, , ...answers] = store.txn({
      success: [
        put('c', '9'),
        remove('d'),
        get(everything(), { countOnly: true }),
        get(everything(), { limit: 1 }),
        get(everything(), { sortTarget: 'value', sortOrder: 'descend' }),
        get(everything(), { minModRevision: 4 }),
        get(prefix('c'), { keysOnly: true }),
      ],
    }).responses as RangeResult[];

    expect(answers.map(({ kvs, count, more }) => [show(kvs), count, more])).toEqual([
      ['', 2, false],
      ['b=1', 2, true],
      ['c=9 b=1', 2, false],
      ['c=9', 2, false],
      ['c=', 1, false],
    ]);
  });

  it('gives each answer the revision at that point', () => {
    store.put('x', '1');
    const result = store.txn({
      success: [get('a'), remove('none'), put('a', '1'), get('a'), remove('none'), txn({ success: [get('a')] })],
    });

    expect(result.responses.map(({ revision }) => revision)).toEqual([2, 2, 3, 3, 3, 3]);
  });

  it('gives a put the key as it was before it within the transaction', () => {
    store.put('a', 'old');
    const [, answer] = store.txn({ success: [remove(fromKey('a')), put('a', 'new', { previous: true })] }).responses;
    expect(answer).not.toHaveProperty('previous');

    const [deletion] = store.txn({ success: [txn({ success: [{ ...remove('a'), previous: true }] })] }).responses;
    expect(show((deletion as TxnResult).responses.flatMap((r) => (r.type === 'delete' ? r.previous : [])))).toBe(
      'a=new',
    );
  });

  it('decides all conditions, nested ones too, before it carries anything out', () => {
    const ifAbsent = { compares: [compare('a', 'version', 'equal', 0)] };
    const result = store.txn({
      success: [
        put('a', '1'),
        txn({ ...ifAbsent, success: [txn({ ...ifAbsent, success: [put('deep', '1')] })], failure: [put('no', '1')] }),
      ],
    });

    expect(result.responses[1]).toMatchObject({ succeeded: true, responses: [{ succeeded: true }] });
    expect(show(store.range(everything()).kvs)).toBe('a=1 deep=1');
  });

  it('carries out of several nested transactions each its own branch', () => {
    store.put('a', '1');
    const when = (version: number, key: string) =>
      txn({
        compares: [compare('a', 'version', 'equal', version)],
        success: [put(`${key}yes`, '')],
        failure: [put(`${key}no`, '')],
      });

    store.txn({ success: [when(1, '1'), put('b', ''), when(2, '2'), txn({ success: [when(1, '3'), when(9, '4')] })] });

    expect(showEvents(store.events)).toBe('+1yes=@3 +b=@3 +2no=@3 +3yes=@3 +4no=@3');
  });

  it('may change a key twice where a delete without an end meets a put, in order', () => {
    store.put('a', 'old');
    store.txn({ success: [put('b', 'new'), remove(fromKey('a'))] });
    expect(showEvents(store.events)).toBe('+b=new@3 -a@3 -b@3');
    expect(store.range(everything()).count).toBe(0);

    store.txn({ success: [remove(fromKey('a')), put('b', 'newer'), remove(fromKey('a'))] });
    expect(showEvents(store.events)).toBe('+b=newer@4 -b@4');
    store.reopen();
    expect(store.range(everything()).count).toBe(0);
    expect(store.range(everything(), { revision: 2 }).count).toBe(1);
  });

  describe('that reads a revision by its number', () => {
    beforeEach(() => {
      store.put('a', '1');
      store.put('a', '2');
      store.put('a', '3');
    });

    it('sees the past, whatever it wrote', () => {
      const result = store.txn({
        success: [put('a', 'new'), get('a', { revision: 3 }), get('a', { revision: 4 }), get('a', { revision: 0 })],
      });

      expect(ranges(result)).toEqual(['put', 'a=2', 'a=3', 'a=new']);
    });

    it.each<[name: string, operation: Operation]>([
      ['a future revision', get('a', { revision: 5 })],
      ['the revision it is making', txn({ success: [get('a', { revision: 5 })] })],
      ['a compacted revision', get('a', { revision: 2 })],
      ['a negative revision after a compaction', get('a', { revision: -1 })],
      ['a key to keep that does not exist', put('x', '', { ignoreValue: true })],
    ])('fails as a whole at %s, and leaves nothing behind', (_name, operation) => {
      store.compact(3);
      const before = store.records();
      const attempt = () => store.txn({ success: [put('a', 'lost'), remove('a'), put('b', 'lost'), operation] });

      expect(attempt).toThrow();
      expect(store.revision).toBe(4);
      expect(store.records()).toEqual(before);
      expect(show(store.range(everything()).kvs)).toBe('a=3');
      expect(store.put('a', '4')).toEqual({ type: 'put', revision: 5 });
      expect(store.get('a')).toMatchObject({ version: 4 });
    });

    it('names what it could not read', () => {
      store.compact(3);

      expect(() => store.txn({ success: [get('a', { revision: 5 })] })).toThrow(new FutureRevisionError(5, 4));
      expect(() => store.txn({ success: [get('a', { revision: 2 })] })).toThrow(new CompactedError(2, 3));
    });

    it('reads the compacted revision itself', () => {
      store.compact(3);

      expect(ranges(store.txn({ success: [get('a', { revision: 3 })] }))).toEqual(['a=2']);
    });

    it('takes a negative revision for the latest only while nothing was compacted', () => {
      expect(ranges(store.txn({ success: [get('a', { revision: -1 })] }))).toEqual(['a=3']);
      expect(() => store.txn({ success: [get('a', { revision: -2 })] })).toThrow(CompactedError);
      expect(show(store.range('a', { revision: -2 }).kvs)).toBe('a=3');
    });

    it('does not fail for what stands in the branch not taken', () => {
      const result = store.txn({
        compares: [compare('a', 'version', 'equal', 3)],
        success: [get('a')],
        failure: [get('a', { revision: 99 }), put('x', '', { ignoreValue: true })],
      });

      expect(ranges(result)).toEqual(['a=3']);
    });
  });
});

describe('a writer', () => {
  it('shows nothing outside before it is finished', () => {
    store.backend.write((batch) => {
      const writer = store.keyspace.begin(batch);
      writer.put(put('a', '1'));
      expect(store.range('a').count).toBe(0);
      expect(store.revision).toBe(1);

      writer.finish();
      expect(show(store.range('a').kvs)).toBe('a=1');
      expect(store.revision).toBe(2);
    });
  });

  it('shows its own changes to its own reads', () => {
    store.write((writer) => {
      writer.put(put('a', '1'));
      expect(show(writer.range(get('a')).kvs)).toBe('a=1');
      expect(writer.range(get('b'))).toMatchObject({ count: 0, revision: 2 });
      expect(() => writer.range(get('a', { revision: 2 }))).toThrow(FutureRevisionError);
    });
  });

  it('that is dropped has changed nothing', () => {
    store.put('a', '1');
    store.backend.write((batch) => {
      const dropped = store.keyspace.begin(batch);
      dropped.put(put('a', 'lost'));
      dropped.delete(remove(everything()));
      const kept = store.keyspace.begin(batch);
      kept.put(put('b', '1'));
      kept.finish();
    });

    expect(show(store.range(everything()).kvs)).toBe('a=1 b=1');
    expect(store.records()).toEqual(['2.0', '3.0']);
  });

  it('reads what earlier writes of the same batch wrote', () => {
    store.put('b', 'older');
    store.backend.write((batch) => {
      for (const value of ['1', '2']) {
        const writer = store.keyspace.begin(batch);
        writer.put(put('a', value));
        writer.finish();
      }
      const writer = store.keyspace.begin(batch);
      expect(show([writer.put(put('a', '3', { previous: true })).previous!])).toBe('a=2');
      expect(show(writer.range(get(everything())).kvs)).toBe('a=3 b=older');
      writer.finish();
      expect(show(store.range('a', { revision: 3 }).kvs)).toBe('a=1');
      expect(show([store.keyspace.previous(toBytes('a'), 4)!])).toBe('a=1');
    });

    expect(toText(store.get('a', 4)!.value)).toBe('2');
  });

  it('that is not the last to have begun cannot finish after another did', () => {
    store.backend.write((batch) => {
      const [first, second] = [store.keyspace.begin(batch), store.keyspace.begin(batch)];
      first.put(put('a', '1'));
      second.put(put('b', '1'));
      first.finish();

      expect(() => second.finish()).toThrow('one revision is made at a time');
    });
  });
});

describe('a transaction that only reads', () => {
  it('is answered without a write', () => {
    store.put('a', '1');
    const result = store.keyspace.readTxn(
      txn({ compares: [compare('a', 'version', 'equal', 1)], success: [get('a')], failure: [get('b')] }),
    );

    expect(result).toMatchObject({ type: 'txn', succeeded: true, revision: 2, responses: [{ count: 1 }] });
  });

  it('is none if either branch could write or nests another', () => {
    for (const operation of [put('a', '1'), remove('a'), txn({})]) {
      expect(() => store.keyspace.readTxn(txn({ failure: [operation] }))).toThrow('writes nothing');
    }
  });
});

import { describe, expect, test } from '@jest/globals';
import { toBytes, toText } from '../../core/base/bytes.js';
import type { Event, KeyValue } from '../../core/base/key-value.js';
import { Replica } from './replica.js';

function kv(key: string, modRevision: number, value = 'v'): KeyValue {
  return { key: toBytes(key), value: toBytes(value), createRevision: modRevision, modRevision, version: 1, lease: 0n };
}

const put = (...args: Parameters<typeof kv>): Event => ({ type: 'put', kv: kv(...args) });
const deleted = (...args: Parameters<typeof kv>): Event => ({ type: 'delete', kv: kv(...args) });
const replica = () =>
  new Replica(
    ({ value }) => toText(value),
    () => {},
  );

describe('Replica', () => {
  test('events of revisions that a check has shown to be over are passed by', () => {
    const copy = replica();
    copy.become(5, [kv('a', 3)]);
    copy.confirm(9);

    expect(copy.take({ revision: 8, events: [put('b', 7), deleted('b', 8)] })).toBeUndefined();
    expect(copy.take({ revision: 6, events: [put('b', 6)] })).toBeUndefined();

    expect(copy.entries().map(({ key }) => key)).toEqual(['a']);
    expect(copy.revision).toBe(9);
  });

  test('a listing of the same store tells only what changed', () => {
    const copy = replica();
    copy.become(5, [kv('a', 3), kv('b', 4)]);

    const diff = copy.become(8, [kv('a', 3), kv('b', 8)]);

    expect(diff?.changes.map(({ type, key }) => `${type} ${key}`)).toEqual(['updated b']);
  });

  test('a listing of another store tells everything, even where revisions happen to be equal', () => {
    const copy = replica();
    copy.become(5, [kv('a', 3, 'ours')]);

    const diff = copy.become(4, [kv('a', 3, 'theirs')]);

    expect(diff).toMatchObject({ revision: 4, changes: [{ type: 'updated', current: { value: 'theirs' } }] });
  });

  test('several events of one key in one batch are one change', () => {
    const copy = replica();

    const diff = copy.take({ revision: 4, events: [put('a', 2), deleted('a', 3), put('a', 4, 'last')] });

    expect(diff?.changes).toMatchObject([{ type: 'added', current: { value: 'last', modRevision: 4 } }]);
  });

  test('keys that are no text are kept apart', () => {
    const copy = replica();

    copy.become(3, [
      { ...kv('', 2), key: Uint8Array.of(0xff) },
      { ...kv('', 3), key: Uint8Array.of(0xfe) },
    ]);

    expect(copy.entries()).toHaveLength(2);
    expect(copy.get(Uint8Array.of(0xff))?.modRevision).toBe(2);
  });

  test.each([
    ['agrees', { revision: 9, count: 1, kvs: [] }],
    ['behind', { revision: 9, count: 2, kvs: [kv('b', 9)] }],
    ['behind', { revision: 9, count: 1, kvs: [kv('a', 9)] }],
    ['behind', { revision: 9, count: 0, kvs: [] }],
    ['replaced', { revision: 4, count: 1, kvs: [] }],
  ] as const)('it %s when the store answers %j', (verdict, answer) => {
    const copy = replica();
    copy.become(5, [kv('a', 3)]);

    expect(copy.judge({ more: false, ...answer })).toBe(verdict);
  });
});

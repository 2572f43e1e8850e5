import { describe, expect, it } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import type { KeyValue } from '../base/key-value.js';
import { encodeRecord, RecordReader } from './record.js';

const FIRST: KeyValue = {
  key: toBytes('key'),
  value: toBytes('value'),
  createRevision: 7,
  modRevision: 7,
  version: 1,
  lease: 0n,
};

const CASES: readonly (readonly [name: string, kv: KeyValue])[] = [
  ['the first version of a key', FIRST],
  ['a later version', { ...FIRST, modRevision: 9, version: 3 }],
  ['a version with a lease', { ...FIRST, lease: 0x1234_5678_9abc_def0n }],
  ['a negative lease', { ...FIRST, modRevision: 8, version: 2, lease: -1n }],
  ['an empty value', { ...FIRST, value: new Uint8Array(0) }],
  ['a key of 127 bytes', { ...FIRST, key: new Uint8Array(127).fill(1) }],
  ['a key of 128 bytes', { ...FIRST, key: new Uint8Array(128).fill(1) }],
  ['a key of 70,000 bytes', { ...FIRST, key: new Uint8Array(70_000).fill(0xff) }],
  ['a version of 127', { ...FIRST, modRevision: 200, version: 127 }],
  ['a version of 128', { ...FIRST, modRevision: 200, version: 128 }],
  [
    'numbers beyond 32 bits',
    { ...FIRST, createRevision: 5, modRevision: Number.MAX_SAFE_INTEGER, version: 2 ** 40 + 1 },
  ],
];

describe('a record', () => {
  it.each(CASES)('keeps %s', (_name, kv) => {
    const reader = new RecordReader(kv.modRevision, encodeRecord(kv));

    expect(plain(reader.keyValue)).toEqual(plain(kv));
    expect(reader.isTombstone).toBe(false);
    expect(reader.isLeased).toBe(kv.lease !== 0n);
    expect(reader.keyText).toBe(Buffer.from(kv.key).toString('latin1'));
  });

  it('keeps of a deletion that it was one, its key and its revision', () => {
    const tombstone: KeyValue = {
      key: toBytes('key'),
      value: new Uint8Array(0),
      createRevision: 0,
      modRevision: 9,
      version: 0,
      lease: 0n,
    };
    const reader = new RecordReader(9, encodeRecord(tombstone));

    expect(reader.isTombstone).toBe(true);
    expect(plain(reader.keyValue)).toEqual(plain(tombstone));
  });

  it('adds two bytes to key and value of a first version without a lease', () => {
    expect(encodeRecord(FIRST)).toHaveLength(2 + 3 + 5);
  });

  it('refuses what it does not know or what is cut short', () => {
    const record = encodeRecord({ ...FIRST, modRevision: 300, version: 200 });
    const cut = (length: number) => () => new RecordReader(300, record.subarray(0, length));

    expect(() => new RecordReader(1, Uint8Array.of(8, 1, 97))).toThrow('only flags that are known');
    expect(cut(1)).toThrow('its whole header');
    expect(cut(4)).toThrow('its whole header');
    expect(cut(8)).toThrow('its whole key');
  });

  it('refuses numbers that cannot be', () => {
    const endless = Uint8Array.of(4, ...new Array<number>(200).fill(0xff), 1, 0, 1, 97);
    const createdBeforeAll = Uint8Array.of(4, 2, 9, 1, 97);

    expect(() => new RecordReader(7, endless)).toThrow('numbers of a history record are exact');
    expect(() => new RecordReader(7, createdBeforeAll)).toThrow('created at a revision that there is');
  });
});

function plain(kv: KeyValue): object {
  return { ...kv, key: [...kv.key], value: [...kv.value] };
}

import { describe, expect, test } from '@jest/globals';
import { prefix, range } from '../base/key-range.js';
import { failsWith } from '../testing/conformance/fixture.js';
import { fromRangeMessage, fromTxnMessage, toRangeMessage, toTxnMessage } from './convert-requests.js';
import { RangeRequest as RangeMessage, TxnRequest as TxnMessage } from './gen/kv.js';
import { fromInt64, toInt64, toLeaseInt64 } from './int64.js';

const INT64_MAX = 2n ** 63n - 1n;

/** The bytes of a message as hexadecimal text, each field apart. */
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('on the wire', () => {
  test('a range has the field numbers of etcd', () => {
    const message = toRangeMessage({
      type: 'range',
      ...prefix('a'),
      limit: 1,
      revision: 2,
      sortOrder: 'descend',
      sortTarget: 'modRevision',
      serializable: true,
      keysOnly: true,
      countOnly: true,
      minModRevision: 3,
      maxModRevision: 4,
      minCreateRevision: 5,
      maxCreateRevision: 6,
    });

    expect(hex(RangeMessage.encode(message).finish())).toBe(
      ['0a0161', '120162', '1801', '2002', '2802', '3003', '3801', '4001', '4801', '5003', '5804', '6005', '6806'].join(
        '',
      ),
    );
  });

  test('a condition has the field numbers of etcd, its range end at 64', () => {
    const compares = [{ ...prefix('a'), target: 'modRevision', result: 'notEqual', operand: 7 }] as const;
    const message = toTxnMessage({ type: 'txn', compares, success: [], failure: [] });

    expect(hex(TxnMessage.encode(message).finish())).toBe(
      '0a0d' + ['0803', '1002', '1a0161', '3007', '82040162'].join(''),
    );
  });

  test('a range that ends before every key stays empty', () => {
    const { key, rangeEnd } = toRangeMessage({ type: 'range', ...range('a', '') });

    expect(rangeEnd).toEqual(key);
  });
});

describe('from a client of any language', () => {
  const request = (part: Partial<RangeMessage>) =>
    fromRangeMessage({ ...RangeMessage.decode(Buffer.alloc(0)), ...part });

  test('the largest int64, which means "no limit", is brought into the safe range', () => {
    expect(request({ limit: INT64_MAX, maxModRevision: INT64_MAX, revision: -INT64_MAX })).toMatchObject({
      limit: Number.MAX_SAFE_INTEGER,
      maxModRevision: Number.MAX_SAFE_INTEGER,
      revision: -Number.MAX_SAFE_INTEGER,
    });
  });

  test('a sort order or target that does not exist is refused', async () => {
    await failsWith('INVALID_ARGUMENT', async () => request({ sortOrder: 3 as never }));
    await failsWith('INVALID_ARGUMENT', async () => request({ sortTarget: 5 as never }));
    expect(request({ sortOrder: 2, sortTarget: 4 })).toMatchObject({ sortOrder: 'descend', sortTarget: 'value' });
  });

  test('an operation that is empty is answered as etcd does', async () => {
    await failsWith('KEY_NOT_FOUND', async () =>
      fromTxnMessage({ compare: [], success: [{ request: undefined }], failure: [] }),
    );
  });

  test('a condition without an operand, or with that of another target, compares with zero or nothing', () => {
    const compare = { result: 0, key: Buffer.from('a'), rangeEnd: Buffer.alloc(0) };
    const { compares } = fromTxnMessage({
      compare: [
        { ...compare, target: 2, targetUnion: undefined },
        { ...compare, target: 2, targetUnion: { $case: 'version', version: 5n } },
        { ...compare, target: 3, targetUnion: undefined },
        { ...compare, target: 4, targetUnion: { $case: 'version', version: 5n } },
      ],
      success: [],
      failure: [],
    });

    expect(compares.map(({ operand }) => operand)).toEqual([0, 0, new Uint8Array(0), 0n]);
  });
});

describe('numbers', () => {
  test('are whole and safe, or refused by name', async () => {
    expect(toInt64('limit', Number.MAX_SAFE_INTEGER)).toBe(2n ** 53n - 1n);
    expect(toInt64('limit', undefined)).toBe(0n);
    for (const value of [2 ** 53, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect((await failsWith('INVALID_ARGUMENT', async () => toInt64('limit', value))).message).toContain('limit');
    }
  });

  test('beyond the safe range come in at its edge', () => {
    expect([2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), -(2n ** 53n) + 1n].map(fromInt64)).toEqual([
      Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ]);
  });

  test('an id of 64 bits passes, one of 65 is refused', async () => {
    expect(toLeaseInt64(INT64_MAX)).toBe(INT64_MAX);
    expect(toLeaseInt64(-INT64_MAX - 1n)).toBe(-INT64_MAX - 1n);
    await failsWith('INVALID_ARGUMENT', async () => toLeaseInt64(INT64_MAX + 1n));
    await failsWith('INVALID_ARGUMENT', async () => toLeaseInt64(-INT64_MAX - 2n));
  });
});

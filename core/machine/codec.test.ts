import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../base/assert.js';
import { toBytes } from '../base/bytes.js';
import { LIMITS } from '../base/limits.js';
import type { TxnRequest } from '../base/operation.js';
import { createRevision, get, put, remove, value } from '../txn.js';
import { decodeCommand, encodeCommand } from './codec.js';
import type { Command } from './types.js';

function nested(depth: number): TxnRequest {
  let txn: TxnRequest = { type: 'txn', compares: [], success: [], failure: [] };
  for (let level = 0; level < depth; level += 1) txn = { type: 'txn', compares: [], success: [txn], failure: [] };
  return txn;
}

function bytesOf(command: Command): number[] {
  return [...encodeCommand(command)];
}

describe('the bytes on disk', () => {
  test('of a put are its flags, key and value', () => {
    expect(bytesOf(put('ab', 'c'))).toEqual([1, 1, 0, 2, 0x61, 0x62, 1, 0x63]);
  });

  test('of a put with a lease end with the lease', () => {
    expect(bytesOf(put('a', '', { lease: -2n, previous: true, ignoreValue: true }))).toEqual([
      1, 1, 0b0111, 1, 0x61, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    ]);
  });

  test('of a delete are its flags, key and end', () => {
    expect(bytesOf({ type: 'delete', key: toBytes('a'), end: toBytes('c'), previous: true })).toEqual([
      1, 2, 0b11, 1, 0x61, 1, 0x63,
    ]);
  });

  test('of a transaction are its compares and both branches', () => {
    const txn: TxnRequest = {
      type: 'txn',
      compares: [createRevision('a').equals(1), value('b').differs('x')],
      success: [put('a', '1')],
      failure: [get('a', { limit: 2, sortOrder: 'descend' }), remove('b')],
    };

    expect(bytesOf(txn)).toEqual(
      [
        [1, 3],
        [2, 0x01, 1, 0x61, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x34, 1, 0x62, 1, 0x78],
        [1, 1, 0, 1, 0x61, 1, 0x31],
        [2, 7, 0b10, 1, 1, 0x61, 0x20, 0x40, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0x62],
      ].flat(),
    );
  });

  test('of the other commands are their ids and numbers', () => {
    expect(bytesOf({ type: 'compact', revision: 2 })).toEqual([1, 4, 0x40, 0, 0, 0, 0, 0, 0, 0]);
    expect(bytesOf({ type: 'leaseGrant', id: 258n, ttlSeconds: 2 })).toEqual([
      1, 5, 0, 0, 0, 0, 0, 0, 1, 2, 0x40, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect(bytesOf({ type: 'leaseRevoke', id: 258n })).toEqual([1, 6, 0, 0, 0, 0, 0, 0, 1, 2]);
  });

  test('of what is said of a member are its id, texts and incarnation', () => {
    expect(bytesOf({ type: 'memberUpdate', id: 2n ** 64n - 2n, peerUrls: ['a', 'é'] })).toEqual([
      1, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 2, 1, 0x61, 2, 0xc3, 0xa9,
    ]);
    expect(bytesOf({ type: 'memberPublish', id: 1n, name: 'm', clientUrls: [], incarnation: 258n })).toEqual([
      1, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x6d, 0, 0, 0, 0, 0, 0, 0, 1, 2,
    ]);
  });

  test.each([0x7f, 0x80, 0x3fff, 0x4000, 100_000, LIMITS.requestBytes])(
    'of a value of %i bytes come back',
    (length) => {
      const command = put('k', Buffer.alloc(length, 7));

      const decoded = decodeCommand(encodeCommand(command));

      expect(decoded).toMatchObject({ type: 'put', key: toBytes('k') });
      expect((decoded as { value: Uint8Array }).value.length).toBe(length);
    },
  );

  test('of one command are not changed by encoding the next', () => {
    const first = encodeCommand(put('a', '1'));
    const copy = Uint8Array.from(first);

    encodeCommand(put('b', '2'));

    expect(Uint8Array.from(first)).toEqual(copy);
  });
});

describe('what is refused', () => {
  test.each<[string, number[]]>([
    ['no bytes', []],
    ['a version of the future', [2, 1, 0, 1, 0x61, 0]],
    ['an unknown tag', [1, 99]],
    ['a range alone', [1, 7, 0, 0, 1, 0x61]],
    ['an unknown flag of a put', [1, 1, 16, 1, 0x61, 0]],
    ['a key that is cut short', [1, 1, 0, 5, 0x61]],
    ['a length of five bytes', [1, 1, 0, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ['bytes after the command', [1, 1, 0, 1, 0x61, 0, 0]],
    ['a revision that is not whole', [1, 4, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['an unknown target of a compare', [1, 3, 1, 0x05, 1, 0x61, 0, 0]],
    ['an unknown sort order', [1, 3, 0, 1, 7, 0b10, 0, 1, 0x61, 0x30, 0]],
    ['a URL that is not UTF-8', [1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0xff]],
    ['more URLs than there are bytes', [1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0x7f]],
    ['more compares than there are bytes', [1, 3, 0xff, 0xff, 0xff, 0x7f]],
  ])('%s', (_, bytes) => {
    expect(() => decodeCommand(Uint8Array.from(bytes))).toThrow(InvariantError);
  });

  test('a transaction nested deeper than its operations allow', () => {
    const deepest = encodeCommand(nested(LIMITS.txnOperations));

    expect(decodeCommand(deepest)).toEqual(nested(LIMITS.txnOperations));
    expect(() => encodeCommand(nested(LIMITS.txnOperations + 1))).toThrow(InvariantError);
    const deeper = [1, 3, ...Array.from({ length: LIMITS.txnOperations + 1 }, () => [0, 1, 3]).flat()];
    expect(() => decodeCommand(Uint8Array.from(deeper))).toThrow(/nested/);
  });

  test.each<[string, Command]>([
    ['a revision past what a number holds', { type: 'compact', revision: 2 ** 53 }],
    ['a TTL that is no number', { type: 'leaseGrant', id: 1n, ttlSeconds: Number.NaN }],
    ['an id of more than 64 bits', { type: 'leaseRevoke', id: 2n ** 63n }],
    ["a member's id of more than 64 bits", { type: 'memberUpdate', id: 2n ** 64n, peerUrls: [] }],
    [
      'a choice that does not exist',
      { type: 'txn', compares: [{ ...value('a').equals(''), result: 'like' as never }], success: [], failure: [] },
    ],
  ])('to encode %s; the next command is encoded as ever', (_, command) => {
    expect(() => encodeCommand(command)).toThrow(InvariantError);

    expect(bytesOf(put('a', ''))).toEqual([1, 1, 0, 1, 0x61, 0]);
  });
});

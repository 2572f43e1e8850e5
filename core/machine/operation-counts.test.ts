import { expect, test } from '@jest/globals';
import type { OperationResult } from '../base/operation.js';
import { OperationCounts } from './operation-counts.js';

const PUT: OperationResult = { type: 'put', revision: 2 };
const DELETE: OperationResult = { type: 'delete', revision: 2, deleted: 5, previous: [] };
const RANGE: OperationResult = { type: 'range', revision: 2, kvs: [], count: 0, more: false };
const txn = (...responses: OperationResult[]): OperationResult => ({
  ...{ type: 'txn', revision: 2, succeeded: true, responses },
});

test.each<[string, OperationResult, readonly [number, number, number, number]]>([
  ['a put', PUT, [1, 0, 0, 0]],
  ['a deletion, of however many keys', DELETE, [0, 1, 0, 0]],
  ['a range', RANGE, [0, 0, 1, 0]],
  ['nothing', txn(), [0, 0, 0, 0]],
  ['a transaction of one operation, which is that operation', txn(PUT), [1, 0, 0, 0]],
  ['a transaction of several', txn(PUT, DELETE, RANGE), [1, 1, 1, 1]],
  ['a transaction within another, which is a part of it', txn(PUT, txn(PUT, RANGE)), [2, 0, 1, 1]],
])('counted: %s', (_, result, expected) => {
  const counts = new OperationCounts();

  expect(counts.add(result)).toBe(result);

  expect([counts.puts, counts.deletes, counts.ranges, counts.txns]).toEqual(expected);
});

test.each([
  [0, 0, 0],
  [1, 1, 0],
  [3, 3, 1],
])('a lease that ends with %d keys counts as %d deletions, and %d transactions', (keyCount, deletes, txns) => {
  const counts = new OperationCounts();

  counts.addRevoked(keyCount);

  expect([counts.deletes, counts.txns]).toEqual([deletes, txns]);
});

import { expect, test } from '@jest/globals';
import { READS_WAITING_MAX, ReadOnly } from './read-only.js';

test('one confirmation answers all the reads that wait, in their order, with the same index', () => {
  const reads = new ReadOnly();
  for (const context of [3, 1, 2]) reads.add(context);
  expect(reads.hasConfirmed).toBe(false);
  reads.confirm(9);
  expect(reads.take()).toEqual([
    { context: 3, index: 9 },
    { context: 1, index: 9 },
    { context: 2, index: 9 },
  ]);
});

test('a read that comes after the confirmation waits for the next one', () => {
  const reads = new ReadOnly();
  reads.add(1);
  reads.confirm(9);
  reads.add(2);
  expect(reads.take()).toEqual([{ context: 1, index: 9 }]);
  expect(reads.hasConfirmed).toBe(false);
  reads.confirm(12);
  expect(reads.take()).toEqual([{ context: 2, index: 12 }]);
});

test('what was taken is not given again', () => {
  const reads = new ReadOnly();
  reads.add(1);
  reads.confirm(9);
  reads.take();
  expect(reads.take()).toEqual([]);
});

test('as many reads wait as the limit allows, and not one more', () => {
  const reads = new ReadOnly();
  for (let context = 0; context < READS_WAITING_MAX - 1; context += 1) reads.add(context);
  reads.confirm(1);
  reads.add(READS_WAITING_MAX);
  expect(() => reads.add(0)).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
  reads.take();
  reads.add(0);
});

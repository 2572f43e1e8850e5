import { expect, test } from '@jest/globals';
import { DISK_BUCKETS, Durations } from './durations.js';

test('a duration counts in the first bucket whose limit it does not exceed', () => {
  const durations = new Durations([1, 2]);

  for (const seconds of [0, 1, 1.5, 2, 2.5]) durations.observe(seconds);

  expect(durations.counts).toEqual([2, 2, 1]);
  expect(durations.sumSeconds).toBe(7);
});

test('the buckets for disks are those of etcd', () => {
  expect([DISK_BUCKETS[0], DISK_BUCKETS.length, DISK_BUCKETS.at(-1)]).toEqual([0.001, 14, 8.192]);
});

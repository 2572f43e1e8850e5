import { beforeEach, expect, test } from '@jest/globals';
import { encodeCommand } from '../../../machine/codec.js';
import { Chronicle } from './chronicle.js';
import { LeasePromises } from './lease-promises.js';

const LEASE = 5n;

let chronicle: Chronicle;
let nowMs: number;
let found: string[];
let promises: LeasePromises;

beforeEach(() => {
  chronicle = new Chronicle();
  nowMs = 1_000;
  found = [];
  const report = (what: string) => found.push(what);
  promises = new LeasePromises({ chronicle, report, nowMs: () => nowMs, fastestRate: 1.25 });
  chronicle.commit({ data: encodeCommand({ type: 'leaseGrant', id: LEASE, ttlSeconds: 10 }) });
  promises.acknowledged(LEASE, { sentMs: 1_000, ttlMs: 10_000 });
});

function endAt(atMs: number): void {
  nowMs = atMs;
  chronicle.commit({ data: encodeCommand({ type: 'leaseRevoke', id: LEASE }) });
}

test('a lease may end when its TTL has passed by the fastest clock', () => {
  endAt(9_000);
  expect(found).toEqual([]);
});

test('a lease that ends before is found', () => {
  endAt(8_999);
  expect(found).toEqual(['lease 5 was ended 1 ms before the time that was promised']);
});

test('a renewal that was acknowledged counts from when it was sent', () => {
  promises.acknowledged(LEASE, { sentMs: 3_000, ttlMs: 10_000 });
  endAt(10_999);
  expect(found).toHaveLength(1);
});

test('a renewal that is acknowledged after the end is found', () => {
  endAt(9_000);
  promises.acknowledged(LEASE, { sentMs: 8_000, ttlMs: 10_000 });
  expect(found).toHaveLength(1);
});

test('a lease that is granted again under its id begins anew', () => {
  endAt(9_000);
  chronicle.commit({ data: encodeCommand({ type: 'leaseGrant', id: LEASE, ttlSeconds: 10 }) });
  promises.acknowledged(LEASE, { sentMs: 1_000, ttlMs: 10_000 });
  promises.acknowledged(LEASE, { sentMs: 30_000, ttlMs: 10_000 });
  expect(found).toEqual([]);

  endAt(37_999);
  expect(found).toEqual(['lease 5 was ended 1 ms before the time that was promised']);
});

test('a lease that its holder ends may go at once', () => {
  promises.released(LEASE);
  endAt(2_000);
  expect(found).toEqual([]);
});

import { describe, expect, test } from '@jest/globals';
import { type Backend, TABLES } from '../backend/backend.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { InvariantError } from '../base/assert.js';
import { toBytes, toText } from '../base/bytes.js';
import { InvalidArgumentError, LeaseExistsError, LeaseNotFoundError, LeaseTtlTooLargeError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import { LIMITS } from '../base/limits.js';
import { Lessor, REVOKE_RETRY_MS } from './lessor.js';

const ALL = Number.POSITIVE_INFINITY;
const LARGEST_ID = 2n ** 63n - 1n;

function openLessor(granted: Readonly<Record<string, number>> = {}) {
  const backend = openMemoryBackend();
  const lessor = Lessor.open(backend, []);
  for (const [id, ttlSeconds] of Object.entries(granted)) grant(lessor, backend, BigInt(id), ttlSeconds);
  return { backend, lessor };
}

function grant(lessor: Lessor, backend: Backend, id: LeaseId, ttlSeconds: number): void {
  backend.write((batch) => lessor.grant(id, ttlSeconds, batch));
}

function revoke(lessor: Lessor, backend: Backend, id: LeaseId): string[] {
  let keys: readonly Uint8Array[] = [];
  backend.write((batch) => {
    keys = lessor.revoke(id, batch);
  });
  return keys.map(toText);
}

describe('what is replicated', () => {
  test('a granted lease exists with its TTL until it is revoked', () => {
    const { backend, lessor } = openLessor({ 7: 30 });

    expect(lessor.has(7n)).toBe(true);
    expect(lessor.ttlSeconds(7n)).toBe(30);
    expect(lessor.ids()).toEqual([7n]);

    revoke(lessor, backend, 7n);

    expect(lessor.has(7n)).toBe(false);
    expect(lessor.ids()).toEqual([]);
    expect([...backend.scan('lease')]).toEqual([]);
  });

  test('leases are restored from the backend, with any id, and their keys from the keyspace', () => {
    const { backend, lessor } = openLessor({
      7: 30,
      [`-${LARGEST_ID}`]: 2,
      [`${LARGEST_ID}`]: LIMITS.leaseTtlMaxSeconds,
    });
    revoke(lessor, backend, 7n);

    const restored = Lessor.open(backend, [[toBytes('held'), LARGEST_ID]]);

    expect(new Set(restored.ids())).toEqual(new Set([-LARGEST_ID, LARGEST_ID]));
    expect(restored.ttlSeconds(-LARGEST_ID)).toBe(2);
    expect(restored.ttlSeconds(LARGEST_ID)).toBe(LIMITS.leaseTtlMaxSeconds);
    expect(restored.keys(LARGEST_ID).map(toText)).toEqual(['held']);
  });

  test('only the table of leases is written', () => {
    const { backend } = openLessor({ 7: 30 });

    expect(TABLES.filter((table) => [...backend.scan(table)].length > 0)).toEqual(['lease']);
  });

  test('an id is granted once', () => {
    const { backend, lessor } = openLessor({ 7: 30 });

    expect(() => grant(lessor, backend, 7n, 5)).toThrow(new LeaseExistsError(7n));
    expect(lessor.ttlSeconds(7n)).toBe(30);
  });

  test('a TTL is granted up to its limit and not past it', () => {
    const { backend, lessor } = openLessor();

    grant(lessor, backend, 1n, LIMITS.leaseTtlMaxSeconds);

    expect(lessor.ttlSeconds(1n)).toBe(LIMITS.leaseTtlMaxSeconds);
    expect(() => grant(lessor, backend, 2n, LIMITS.leaseTtlMaxSeconds + 1)).toThrow(LeaseTtlTooLargeError);
    expect(lessor.has(2n)).toBe(false);
  });

  test.each([0, -5, 1.5, Number.NaN])('a TTL of %p seconds is refused', (ttlSeconds) => {
    const { backend, lessor } = openLessor();

    expect(() => grant(lessor, backend, 1n, ttlSeconds)).toThrow(InvalidArgumentError);
  });

  test('the id 0, which means no lease, is refused', () => {
    const { backend, lessor } = openLessor();

    expect(() => grant(lessor, backend, 0n, 5)).toThrow(InvalidArgumentError);
  });

  test('a lease that does not exist is not found, whatever is asked of it', () => {
    const { backend, lessor } = openLessor();

    const missing = new LeaseNotFoundError(9n);
    expect(() => revoke(lessor, backend, 9n)).toThrow(missing);
    expect(() => lessor.keys(9n)).toThrow(missing);
    expect(() => lessor.ttlSeconds(9n)).toThrow(missing);
    expect(() => lessor.renew(9n, 0)).toThrow(missing);
    expect(() => lessor.remainingMs(9n, 0)).toThrow(missing);
  });

  test('revoking answers the keys in byte order', () => {
    const { backend, lessor } = openLessor({ 7: 30 });
    for (const bytes of [[0xff], [0x62], [0x61, 0], [0x61], [0x7f, 0xff], [0x80]]) {
      lessor.attach(Uint8Array.from(bytes), 7n);
    }

    let keys: readonly Uint8Array[] = [];
    backend.write((batch) => {
      keys = lessor.revoke(7n, batch);
    });

    expect(keys.map((key) => [...key])).toEqual([[0x61], [0x61, 0], [0x62], [0x7f, 0xff], [0x80], [0xff]]);
  });

  test('a key lives by the lease it was attached to last', () => {
    const { backend, lessor } = openLessor({ 7: 30, 8: 30 });

    lessor.attach(toBytes('a'), 7n);
    lessor.attach(toBytes('a'), 7n);
    lessor.attach(toBytes('b'), 7n);
    lessor.attach(toBytes('a'), 8n);

    expect(revoke(lessor, backend, 7n)).toEqual(['b']);
    expect(revoke(lessor, backend, 8n)).toEqual(['a']);
  });

  test('a detached key lives by no lease; detaching it again does nothing', () => {
    const { lessor } = openLessor({ 7: 30 });
    lessor.attach(toBytes('a'), 7n);
    lessor.attach(toBytes('b'), 7n);

    lessor.detach(toBytes('a'));
    lessor.detach(toBytes('a'));

    expect(lessor.keys(7n).map(toText)).toEqual(['b']);
  });

  test('a key that outlived its lease can be attached anew', () => {
    const { backend, lessor } = openLessor({ 7: 30, 8: 30 });
    lessor.attach(toBytes('a'), 7n);
    revoke(lessor, backend, 7n);

    lessor.attach(toBytes('a'), 8n);

    expect(lessor.keys(8n).map(toText)).toEqual(['a']);
  });

  test('a lease that does not exist cannot get keys', () => {
    const { backend, lessor } = openLessor();

    expect(() => lessor.attach(toBytes('a'), 7n)).toThrow(InvariantError);
    expect(() => Lessor.open(backend, [[toBytes('a'), 7n]])).toThrow(InvariantError);
  });

  test.each([
    ['of another version', [2, 0, 0, 0, 0, 0, 5]],
    ['cut short', [1, 0, 0, 0, 0, 5]],
    ['empty', []],
  ])('a record %s is refused', (_, record) => {
    const backend = openMemoryBackend();
    backend.write((batch) => batch.put('lease', new Uint8Array(8), Uint8Array.from(record)));

    expect(() => Lessor.open(backend, [])).toThrow(InvariantError);
  });
});

describe('what the leader alone keeps', () => {
  test('the time of a lease begins when time is first told, and ends a whole TTL later', () => {
    const { lessor } = openLessor({ 7: 10 });

    expect(lessor.remainingMs(7n, 123)).toBe(10_000);
    expect(lessor.expire(1_000, ALL)).toEqual([]);
    expect(lessor.remainingMs(7n, 4_000)).toBe(7_000);
    expect(lessor.expire(10_999.9, ALL)).toEqual([]);
    expect(lessor.expire(11_000, ALL)).toEqual([7n]);
    expect(lessor.remainingMs(7n, 11_500)).toBe(-500);
  });

  test('a renewal gives the full TTL again, counted from then', () => {
    const { lessor } = openLessor({ 7: 10 });
    lessor.expire(0, ALL);

    expect(lessor.renew(7n, 6_000)).toBe(10);

    expect(lessor.expire(15_999, ALL)).toEqual([]);
    expect(lessor.expire(16_000, ALL)).toEqual([7n]);
  });

  test('a renewal dates a lease that has no deadline yet', () => {
    const { lessor } = openLessor({ 7: 10 });

    lessor.renew(7n, 500);

    expect(lessor.expire(10_499, ALL)).toEqual([]);
    expect(lessor.expire(10_500, ALL)).toEqual([7n]);
  });

  test('a renewal never brings the end nearer', () => {
    const { lessor } = openLessor({ 7: 10 });
    lessor.extendAll(5_000);
    lessor.expire(0, ALL);

    lessor.renew(7n, 1_000);

    expect(lessor.remainingMs(7n, 1_000)).toBe(14_000);
  });

  test('an expired lease is named again only after the time for its revocation', () => {
    const { lessor } = openLessor({ 7: 10 });
    lessor.expire(0, ALL);
    lessor.expire(10_000, ALL);

    expect(lessor.expire(10_000 + REVOKE_RETRY_MS - 1, ALL)).toEqual([]);
    expect(lessor.expire(10_000 + REVOKE_RETRY_MS, ALL)).toEqual([7n]);
  });

  test('a lease past its deadline can be renewed until it is named, and not afterwards', () => {
    const { lessor } = openLessor({ 7: 10 });
    lessor.expire(0, ALL);

    lessor.renew(7n, 10_500);
    expect(lessor.expire(20_000, ALL)).toEqual([]);
    expect(lessor.expire(20_500, ALL)).toEqual([7n]);

    expect(() => lessor.renew(7n, 20_501)).toThrow(LeaseNotFoundError);
  });

  test('a lease that was revoked does not expire any more', () => {
    const { backend, lessor } = openLessor({ 7: 10, 8: 20 });
    lessor.expire(0, ALL);

    revoke(lessor, backend, 7n);

    expect(lessor.expire(60_000, ALL)).toEqual([8n]);
  });

  test('an id that is granted again has a time of its own', () => {
    const { backend, lessor } = openLessor({ 7: 10 });
    lessor.expire(0, ALL);
    lessor.expire(10_000, ALL);
    revoke(lessor, backend, 7n);

    grant(lessor, backend, 7n, 3);

    expect(lessor.expire(10_500, ALL)).toEqual([]);
    lessor.renew(7n, 11_000);
    expect(lessor.expire(14_000, ALL)).toEqual([7n]);
  });

  test('those that expired first are named first, at most as many as asked for', () => {
    const { lessor } = openLessor({ 1: 30, 2: 10, 3: 20, 4: 40 });
    lessor.expire(0, ALL);

    expect(lessor.expire(60_000, 3)).toEqual([2n, 3n, 1n]);
    expect(lessor.expire(60_000, 3)).toEqual([4n]);
    expect(lessor.expire(60_000, 0)).toEqual([]);
  });

  test('a new leader gives every lease its full TTL and the extension', () => {
    const { backend, lessor } = openLessor({ 7: 10, 8: 20 });
    lessor.expire(0, ALL);
    lessor.expire(10_000, ALL);

    lessor.extendAll(1_500);

    expect(lessor.remainingMs(7n, 10_500)).toBe(11_500);
    expect(lessor.expire(11_000, ALL)).toEqual([]);
    expect(lessor.renew(7n, 11_100)).toBe(10);
    expect(lessor.expire(22_499, ALL)).toEqual([]);
    expect(lessor.expire(22_500, ALL)).toEqual([7n]);
    revoke(lessor, backend, 7n);
    expect(lessor.expire(32_499, ALL)).toEqual([]);
    expect(lessor.expire(32_500, ALL)).toEqual([8n]);
  });

  test('the extension is given once', () => {
    const { lessor } = openLessor({ 7: 10 });
    lessor.extendAll(1_500);
    lessor.expire(0, ALL);

    lessor.renew(7n, 5_000);

    expect(lessor.remainingMs(7n, 5_000)).toBe(10_000);
  });

  test('leases are listed in the order in which they end, the undated last', () => {
    const { backend, lessor } = openLessor({ 1: 30, 2: 10, 3: 20 });
    lessor.expire(0, ALL);
    grant(lessor, backend, 9n, 5);

    expect(lessor.ids()).toEqual([2n, 3n, 1n, 9n]);
  });
});

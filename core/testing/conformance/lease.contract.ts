import { describe, expect } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import { prefix } from '../../base/key-range.js';
import { failsWith, freshPrefix, type StoreUnderTest, WatchReader } from './fixture.js';
import { test } from './patient-test.js';

/** Leases. Source: etcd API reference, Lease service. */
export function leaseContract(under: StoreUnderTest): void {
  describe('leases', () => {
    test('a revoked lease deletes its keys in one revision', async () => {
      const p = freshPrefix();
      const lease = await under.store.grantLease('60s');
      await under.store.put(`${p}a`, '1', { lease });
      await under.store.put(`${p}b`, '2', { lease: lease.id });
      const last = await under.store.put(`${p}kept`, '3');
      const watch = new WatchReader(under.store.watch(prefix(p), { from: last.revision + 1 }));

      await lease.revoke();

      expect(await watch.events(2)).toEqual([`delete ${p}a`, `delete ${p}b`]);
      expect(watch.batches.map((batch) => batch.revision)).toEqual([last.revision + 1]);
      expect((await under.store.range(prefix(p))).count).toBe(1);
      await watch.close();
    });

    test('a lease that is not renewed ends, not before its TTL, and takes its keys along', async () => {
      const p = freshPrefix();
      const grantedAt = under.store.clock.now();
      const lease = await under.store.grantLease('2s');
      const { revision } = await under.store.put(`${p}a`, '1', { lease });
      const watch = new WatchReader(under.store.watch(`${p}a`, { from: revision + 1 }));

      expect(await watch.events(1)).toEqual([`delete ${p}a`]);

      expect(under.store.clock.now() - grantedAt).toBeGreaterThanOrEqual(2_000);
      await failsWith('LEASE_NOT_FOUND', () => lease.keepAlive());
      expect((await lease.timeToLive()).remainingTtlSeconds).toBeLessThan(0);
      await watch.close();
    });

    test('time to live tells what was granted, what is left and which keys live by it', async () => {
      const p = freshPrefix();
      const lease = await under.store.grantLease('60s');
      await under.store.put(`${p}a`, '1', { lease });
      await under.store.put(`${p}b`, '1', { lease });

      const status = await lease.timeToLive({ keys: true });
      const without = await lease.timeToLive();

      expect(status).toMatchObject({ id: lease.id, grantedTtlSeconds: 60 });
      expect(status.remainingTtlSeconds).toBeGreaterThan(50);
      // A leader that is new to it counts from the beginning, and adds an election timeout.
      expect(status.remainingTtlSeconds).toBeLessThanOrEqual(62);
      expect(status.keys.map(toText).sort()).toEqual([`${p}a`, `${p}b`]);
      expect(without.keys).toEqual([]);
      await lease.revoke();
    });

    test('a renewed lease has its full TTL again', async () => {
      const lease = await under.store.grantLease('60s');
      await lease.keepAlive();

      expect((await lease.timeToLive()).remainingTtlSeconds).toBeGreaterThanOrEqual(58);
      await lease.revoke();
    });

    test('a put without the lease takes the key off it; with ignoreLease it stays', async () => {
      const p = freshPrefix();
      const lease = await under.store.grantLease('60s');
      await under.store.put(`${p}a`, '1', { lease });
      await under.store.put(`${p}b`, '1', { lease });
      await under.store.put(`${p}a`, '2');
      await under.store.put(`${p}b`, '2', { ignoreLease: true });

      expect((await under.store.get(`${p}a`))!.lease).toBe(0n);
      expect((await under.store.get(`${p}b`))!.lease).toBe(lease.id);
      await lease.revoke();
      expect(await under.store.get(`${p}a`)).toBeDefined();
      expect(await under.store.get(`${p}b`)).toBeUndefined();
    });

    test('a key moves from one lease to another', async () => {
      const p = freshPrefix();
      const [first, second] = [await under.store.grantLease('60s'), await under.store.grantLease('60s')];
      await under.store.put(`${p}a`, '1', { lease: first });
      await under.store.put(`${p}a`, '2', { lease: second });

      await first.revoke();
      expect(await under.store.get(`${p}a`)).toBeDefined();
      await second.revoke();
      expect(await under.store.get(`${p}a`)).toBeUndefined();
    });

    test('granted leases are listed until they are revoked', async () => {
      const lease = await under.store.grantLease('60s');
      expect(await under.store.leases()).toContain(lease.id);
      await lease.revoke();
      expect(await under.store.leases()).not.toContain(lease.id);
    });

    test('a chosen id is kept, and taken only once', async () => {
      const id = 0x7000_0000_0000_0000n + BigInt(freshPrefix().length) + BigInt(process.pid);
      const lease = await under.store.grantLease('60s', { id });

      expect(lease.id).toBe(id);
      await failsWith('LEASE_EXISTS', () => under.store.grantLease('60s', { id }));
      await under.store.lease(id).revoke();
      await failsWith('LEASE_NOT_FOUND', () => under.store.lease(id).revoke());
    });

    test('a TTL is raised to the minimum, rounded up to seconds, and refused above the limit', async () => {
      const short = await under.store.grantLease(1);
      const uneven = await under.store.grantLease('4500ms');

      expect(short.ttlSeconds).toBe(2);
      expect(uneven.ttlSeconds).toBe(5);
      await failsWith('LEASE_TTL_TOO_LARGE', () => under.store.grantLease(9_000_000_001_000));
      await failsWith('INVALID_ARGUMENT', () => under.store.grantLease(-1));
      await short.revoke();
      await uneven.revoke();
    });

    test('revoking a lease without keys makes no revision', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, '1');
      await (await under.store.grantLease('60s')).revoke();

      expect((await under.store.range(`${p}a`)).revision).toBe(revision);
    });
  });
}

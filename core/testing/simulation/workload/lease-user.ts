import { hasCode } from '../../../base/errors.js';
import { between } from '../../../base/prng.js';
import type { Lease } from '../../../store.js';
import { isPassing } from '../../cluster/workload/surroundings.js';
import { chance, KEYS, keepAtIt, restUpTo, type Surroundings } from './surroundings.js';

/** What lives by a lease. */
export const LEASED = `${KEYS}leased/`;
const TTL_SECONDS_MOST = 4;
const RENEWALS_MAX = 10;

/** Grants leases, puts keys with each, renews for a while, and then ends the lease or leaves it alone. */
export async function leaseUser(surroundings: Surroundings): Promise<void> {
  const { store, prng, name, leases, nowMs, signal } = surroundings;
  let n = 0;
  await keepAtIt(surroundings, name, async () => {
    await restUpTo(surroundings, 1_000);
    const sentMs = nowMs();
    const lease = await store.grantLease(`${between(prng, 1, TTL_SECONDS_MOST)}s`);
    leases.acknowledged(lease.id, { sentMs, ttlMs: lease.ttlSeconds * 1_000 });
    surroundings.count('lease');
    for (let left = between(prng, 0, 3); left > 0; left -= 1)
      await putWith(lease, `${LEASED}${name}/${(n += 1)}`, surroundings);
    for (let left = between(prng, 0, RENEWALS_MAX); left > 0 && !signal.aborted; left -= 1) {
      await restUpTo(surroundings, lease.ttlSeconds * 700);
      if (!(await isRenewed(lease, surroundings))) return;
    }
    if (chance(surroundings, 0.5)) await end(lease, surroundings);
  });
}

async function putWith(lease: Lease, key: string, { store, verdict, leases, nowMs }: Surroundings): Promise<void> {
  try {
    await store.put(key, 'here', { lease });
  } catch (error) {
    if (!hasCode(error, 'LEASE_NOT_FOUND')) throw error;
    if (leases.endedMs(lease.id) === undefined)
      verdict.violation(`a put was told that lease ${lease.id.toString(16)} is gone, at ${nowMs()} ms; it is there`);
  }
}

/** @returns whether it is still there; passing failures leave it at what was known before */
async function isRenewed(lease: Lease, { leases, nowMs, count, verdict }: Surroundings): Promise<boolean> {
  const sentMs = nowMs();
  try {
    await lease.keepAlive();
    leases.acknowledged(lease.id, { sentMs, ttlMs: lease.ttlSeconds * 1_000 });
    return true;
  } catch (error) {
    if (hasCode(error, 'LEASE_NOT_FOUND')) {
      count('lease that had ended');
      const wrong = leases.wrongInGone(lease.id);
      if (wrong !== undefined) verdict.violation(wrong);
      return false;
    }
    if (isPassing(error)) return true;
    throw error;
  }
}

async function end(lease: Lease, { leases, chronicle, verdict, count }: Surroundings): Promise<void> {
  leases.released(lease.id);
  try {
    await lease.revoke();
    count('lease revoked');
  } catch (error) {
    if (!hasCode(error, 'LEASE_NOT_FOUND')) throw error;
  }
  if (chronicle.leases.has(lease.id))
    verdict.violation(`lease ${lease.id.toString(16)} is told to be gone, and is there`);
}

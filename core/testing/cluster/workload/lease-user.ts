import { hasCode } from '../../../base/errors.js';
import { between } from '../../../base/prng.js';
import type { Lease } from '../../../store.js';
import type { LeaseBook } from './lease-book.js';
import { isPassing, KEYS, keepAtIt, rest, type Surroundings } from './surroundings.js';

/** The keys of leases are written without an id of their own in the ledger. */
export const LEASED = `${KEYS}leased/`;
const TTL_SECONDS = 4;
const RENEWALS_MAX = 12;

/** Grants leases, puts a key with each, renews for a while, and then ends the lease or leaves it alone. */
export async function leaseUser(user: string, book: LeaseBook, surroundings: Surroundings): Promise<void> {
  const { store, prng, signal } = surroundings;
  let n = 0;
  await keepAtIt(surroundings, user, async () => {
    n += 1;
    const key = `${LEASED}${user}/${n}`;
    const sentMs = performance.now();
    const lease = await store.grantLease(`${TTL_SECONDS}s`);
    await store.put(key, 'here', { lease });
    book.renewed(key, { sentMs, ttlMs: lease.ttlSeconds * 1_000 });
    for (let left = between(prng, 1, RENEWALS_MAX); left > 0 && !signal.aborted; left -= 1) {
      await rest(between(prng, 0, TTL_SECONDS * 600), signal);
      if (!(await renew(key, lease, book))) return;
      await lookAt(key, book, surroundings);
    }
    if (prng.next() < 0.5) return book.leftAlone(key);
    book.released(key);
    await lease.revoke();
  });
}

/** @returns whether it is still there; passing failures leave it at what was known before */
async function renew(key: string, lease: Lease, book: LeaseBook): Promise<boolean> {
  const sentMs = performance.now();
  try {
    await lease.keepAlive();
    book.renewed(key, { sentMs, ttlMs: lease.ttlSeconds * 1_000 });
    return true;
  } catch (error) {
    if (!hasCode(error, 'LEASE_NOT_FOUND')) {
      if (isPassing(error)) return true;
      throw error;
    }
    book.foundGone(key, 'a renewal was told so');
    return false;
  }
}

async function lookAt(key: string, book: LeaseBook, { store }: Surroundings): Promise<void> {
  try {
    if ((await store.get(key)) === undefined) book.foundGone(key, 'a linearizable read did not find its key');
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
}

import { afterAll, beforeAll } from '@jest/globals';
import type { Store } from '../../store.js';
import type { StoreUnderTest } from './fixture.js';
import { kvContract } from './kv.contract.js';
import { leaseContract } from './lease.contract.js';
import { txnContract } from './txn.contract.js';
import { watchContract } from './watch.contract.js';

/** Opens a store; what it needs to let go of afterwards goes onto the stack, and is let go of last in, first out. */
export type Opener = (releases: (() => Promise<unknown>)[]) => Promise<Store>;

/**
 * All that holds on every store, on this one. To be called within a `describe`.
 *
 * @param options - `isNamespace`: it is a part of a larger store
 */
export function conformance(opener: Opener, { isNamespace = false } = {}): void {
  const under = { isNamespace } as { store: Store; isNamespace: boolean };
  const releases: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    under.store = await opener(releases);
    releases.push(() => under.store.close());
  }, 60_000);
  afterAll(async () => {
    for (const release of releases.reverse()) await release();
  }, 30_000);

  const contracts: ((under: StoreUnderTest) => void)[] = [kvContract, txnContract, leaseContract, watchContract];
  for (const contract of contracts) contract(under);
}

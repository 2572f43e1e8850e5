/**
 * One suite, written against the port, on every store there is: embedded in memory, embedded on disk, Conclave over
 * gRPC, and a real etcd over gRPC where one is on the PATH.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { connect } from '../../connect.js';
import { open } from '../../embedded/open.js';
import type { Store } from '../../store.js';
import { findEtcd, startEtcd } from '../etcd-process.js';
import type { StoreUnderTest } from './fixture.js';
import { kvContract } from './kv.contract.js';
import { leaseContract } from './lease.contract.js';
import { txnContract } from './txn.contract.js';
import { watchContract } from './watch.contract.js';

/** Opens a store; what it needs to let go of afterwards goes onto the stack, and is let go of last in, first out. */
type Opener = (releases: (() => Promise<unknown>)[]) => Promise<Store>;

const STORES: Record<string, Opener> = {
  'embedded, in memory': () => open({ memory: true }),
  'embedded, on disk': async (releases) => open({ dataDir: await temporaryFolder(releases) }),
  'Conclave over gRPC': async (releases) => {
    const server = await open({ dataDir: await temporaryFolder(releases) }, { listen: 'http://127.0.0.1:0' });
    releases.push(() => server.close());
    return connect(server.clientUrl!);
  },
  'etcd over gRPC': async (releases) => {
    const etcd = await startEtcd();
    releases.push(() => etcd.stop());
    return connect(etcd.url);
  },
};

for (const [name, opener] of Object.entries(STORES)) {
  if (name.startsWith('etcd') && !findEtcd()) {
    test.skip(`${name}: skipped, because no etcd binary is on the PATH`, () => {});
    continue;
  }
  describe(name, () => conformance(opener));
}

function conformance(opener: Opener): void {
  const under = {} as { store: Store };
  const releases: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    under.store = await opener(releases);
    releases.push(() => under.store.close());
  });
  afterAll(async () => {
    for (const release of releases.reverse()) await release();
  });

  const contracts: ((under: StoreUnderTest) => void)[] = [kvContract, txnContract, leaseContract, watchContract];
  for (const contract of contracts) contract(under);
}

async function temporaryFolder(releases: (() => Promise<unknown>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-conformance-'));
  releases.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

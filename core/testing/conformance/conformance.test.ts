/**
 * One suite, written against the port, on every store there is: embedded in memory, embedded on disk, Conclave over
 * gRPC, and a real etcd over gRPC where one is on the PATH.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { connect } from '../../connect.js';
import { open } from '../../embedded/open.js';
import { findEtcd, startEtcd } from '../etcd-process.js';
import { conformance, type Opener } from './suite.contract.js';

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

async function temporaryFolder(releases: (() => Promise<unknown>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-conformance-'));
  releases.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * One suite, written against the port, on every store there is: embedded in memory, embedded on disk, Conclave over
 * gRPC, and a real etcd over gRPC where one is on the PATH; and on namespaces of them, each with neighbours on both sides.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import { everything } from '../../base/key-range.js';
import { connect } from '../../connect.js';
import { open } from '../../embedded/open.js';
import type { Store } from '../../store.js';
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
  'Conclave over gRPC, with watches shared': async (releases) => {
    const server = await open({ memory: true }, { listen: 'http://127.0.0.1:0' });
    releases.push(() => server.close());
    return connect(server.clientUrl!, { client: { watchSharersMax: 1_000 } });
  },
  'etcd over gRPC': async (releases) => {
    const etcd = await startEtcd();
    releases.push(() => etcd.stop());
    return connect(etcd.url);
  },
};

const NAMESPACES: Record<string, Opener> = {
  'a namespace, in memory': (releases) => namespaceOf('embedded, in memory', releases),
  'a namespace of Conclave over gRPC': (releases) => namespaceOf('Conclave over gRPC', releases),
  'a namespace within a namespace of etcd over gRPC': async (releases) =>
    (await namespaceOf('etcd over gRPC', releases)).namespace('inner/'),
};

for (const [name, opener] of Object.entries({ ...STORES, ...NAMESPACES })) {
  const isNamespace = name in NAMESPACES;
  if (name.includes('etcd') && !findEtcd()) {
    test.skip(`${name}: skipped, because no etcd binary is on the PATH`, () => {});
    continue;
  }
  describe(name, () => conformance(opener, { isNamespace }));
}

/** The keys beside it must neither be seen nor be touched by any test. */
async function namespaceOf(name: string, releases: (() => Promise<unknown>)[]): Promise<Store> {
  const store = await STORES[name]!(releases);
  releases.push(() => store.close());
  for (const key of ['team', 'team-a', 'team-a/', 'team-a0', 'team-b/key']) await store.put(key, 'of a neighbour');
  releases.push(async () => {
    const { kvs } = await store.range(everything());
    const neighbours = kvs.filter(({ key }) => !toText(key).startsWith('team-a/') || key.length === 'team-a/'.length);
    expect(neighbours.map(({ key, version }) => `${toText(key)} ${version}`)).toEqual([
      'team 1',
      'team-a 1',
      'team-a/ 1',
      'team-a0 1',
      'team-b/key 1',
    ]);
  });
  return store.namespace('team-a/');
}

async function temporaryFolder(releases: (() => Promise<unknown>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-conformance-'));
  releases.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

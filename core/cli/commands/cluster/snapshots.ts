import { randomBytes } from 'node:crypto';
import { InvalidArgumentError } from '../../../base/errors.js';
import { MaintenanceService } from '../../../rpc/gen/maintenance.js';
import { aloneCluster, checkPeerUrls, clusterOf, type InitialCluster } from '../../../server/cluster.js';
import { list } from '../../flag.js';
import { type InitialPeers, parseInitialCluster } from '../../initial-cluster.js';
import type { MemberClient } from '../../asking/member-client.js';
import type { SnapshotStatus } from '../../../server/restore.js';
import type { Context, LocalContext } from '../../asking/runner.js';
import type { Words } from '../../print/printer.js';
import type { Table } from '../../print/table.js';
import { hex, humanBytes } from '../../print/wording.js';

/** What `snapshot restore` is told. */
export interface RestoreFlags {
  readonly dataDir: string;
  readonly name: string;
  readonly initialCluster?: string;
  readonly initialClusterToken?: string;
  readonly initialAdvertisePeerUrls?: string;
  readonly skipHashCheck: boolean;
}

/**
 * Saves what one member holds to a file.
 *
 * @throws {@link InvalidArgumentError} if several endpoints were given: each of them would tell of another moment
 */
export async function saveFrom({ client, say }: Context, file: string): Promise<void> {
  const [endpoint, ...more] = client.endpoints;
  if (endpoint === undefined || more.length > 0) {
    throw new InvalidArgumentError('--endpoints', client.endpoints.join(), 'one member for a snapshot, not several');
  }
  const { saveSnapshot } = await import('../../../server/restore.js');
  await saveSnapshot(blobsOf(client, endpoint), file);
  say(`Snapshot saved at ${file}`);
}

async function* blobsOf(client: MemberClient, endpoint: string): AsyncGenerator<Uint8Array> {
  for await (const { blob } of client.download(endpoint, MaintenanceService.snapshot, {})) yield blob;
}

/** What a file holds: hash, revision, records, size. The hash is SHA-256, in hexadecimal. */
const SNAPSHOT_WORDS: Words<SnapshotStatus> = {
  simple: (status) => snapshotTable(status).rows.map((row) => row.join(', ')),
  json: ({ hash, revision, totalKeys, totalSizeBytes, index, term }) => ({
    ...{ hash, revision, totalKey: totalKeys, totalSize: totalSizeBytes, index, term },
  }),
  fields: ({ hash, revision, totalKeys, totalSizeBytes }) => [
    `"Hash" : ${hash}`,
    `"Revision" : ${revision}`,
    `"Keys" : ${totalKeys}`,
    `"Size" : ${totalSizeBytes}`,
  ],
  table: snapshotTable,
};

function snapshotTable({ hash, revision, totalKeys, totalSizeBytes }: SnapshotStatus): Table {
  const row = [hash, revision, totalKeys, humanBytes(totalSizeBytes)];
  return { head: ['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE'], rows: [row] };
}

/** Tells what a file holds. */
export async function describeSnapshot({ teller }: LocalContext, file: string): Promise<void> {
  const tell = teller(SNAPSHOT_WORDS);
  const { snapshotStatus } = await import('../../../server/restore.js');
  tell(await snapshotStatus(file));
}

/** Makes the data folder of one member of a new cluster. */
export async function restore({ say }: LocalContext, file: string, flags: RestoreFlags): Promise<void> {
  const { dataDir, name, skipHashCheck } = flags;
  const { clusterId, members, configuration } = newCluster(flags);
  const self = members.find((member) => member.name === name);
  if (!self) {
    const names = members.map((member) => member.name).join(', ');
    throw new InvalidArgumentError('--name', name, `one of the names in --initial-cluster: ${names}`);
  }
  const identity = { clusterId, memberId: self.id, incarnation: randomId() };
  const { restoreSnapshot } = await import('../../../server/restore.js');
  const { revision } = await restoreSnapshot({ file, dataDir, identity, members, configuration, skipHashCheck });
  const who = `member ${hex(self.id)} of cluster ${hex(clusterId)}`;
  say(`Snapshot restored to ${dataDir} at revision ${revision}, for ${who}`);
}

/** The members as the flags say them; a member that is told of nobody, and of no address of its own, is alone. */
function newCluster({ name, initialCluster, initialClusterToken: token, ...flags }: RestoreFlags): InitialCluster {
  const own = flags.initialAdvertisePeerUrls;
  const given = own === undefined ? undefined : list('', '').parse(own, '--initial-advertise-peer-urls');
  if (initialCluster === undefined) {
    return given === undefined ? aloneCluster(randomId(), name) : clusterOf({ peers: { [name]: given }, token });
  }
  const peers = parseInitialCluster(initialCluster, '--initial-cluster');
  if (given !== undefined) refuseOther(given, peers, name);
  return clusterOf({ peers, token });
}

function refuseOther(given: readonly string[], peers: InitialPeers, name: string): void {
  const field = '--initial-advertise-peer-urls';
  const own = checkPeerUrls(peers[name] ?? [], `--initial-cluster (${name})`).join();
  if (checkPeerUrls(given, field).join() !== own) {
    throw new InvalidArgumentError(field, given.join(), `as in --initial-cluster for ${name}: ${own}`);
  }
}

/** Of 63 bits, and not 0, which means nobody. */
function randomId(): bigint {
  return randomBytes(8).readBigUInt64BE() >> 1n || 1n;
}

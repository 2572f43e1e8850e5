import { createHash } from 'node:crypto';
import { asBuffer } from '../base/bytes.js';
import { InvalidArgumentError } from '../base/errors.js';
import type { MemberInfo } from '../machine/types.js';
import type { Configuration } from '../raft/types.js';
import { isUnix, TCP_ALONE } from './addresses.js';

/** The members with which a cluster begins: their names, and where each listens for the others. */
export type Peers = Readonly<Record<string, string | readonly string[]>>;

/** What tells apart two clusters that begin with the same addresses (etcd: `--initial-cluster-token`). */
export const TOKEN = 'conclave-cluster';

/** A cluster as it begins. Every one of its members computes the same. */
export interface InitialCluster {
  readonly clusterId: bigint;
  /** By id. */
  readonly members: readonly MemberInfo[];
  readonly configuration: Configuration;
}

/** More voters make every write wait for more disks, and bear no fault that an operator would wait for (etcd FAQ). */
const VOTERS_MAX = 7;
const ID_BYTES = 8;

/**
 * The cluster that begins with these members: ids follow from addresses and token, so that members who were given the
 * same agree without a word, and members who were given something else refuse each other.
 *
 * @throws {@link InvalidArgumentError} if there is no member or more than seven, or an address is none, or is there twice
 */
export function clusterOf({ peers, token = TOKEN }: { peers: Peers; token?: string | undefined }): InitialCluster {
  const names = Object.keys(peers);
  if (names.length === 0 || names.length > VOTERS_MAX) {
    throw new InvalidArgumentError('peers', `${names.length} members`, `1 to ${VOTERS_MAX} members`);
  }
  const members = names.map((name) => initialMember(name, peerUrls(peers, name), token));
  refuseTwins(members);
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  const voters = members.map(({ id }) => id);
  return { clusterId: clusterIdOf(voters), members, configuration: { voters, learners: [] } };
}

/** A cluster of one that nobody else can reach. */
export function aloneCluster(id: bigint, name = ''): InitialCluster {
  const member = { id, name, peerUrls: [], clientUrls: [], incarnation: 0n, isLearner: false };
  return { clusterId: clusterIdOf([id]), members: [member], configuration: { voters: [id], learners: [] } };
}

/** The id of the cluster that begins with these members. */
export function clusterIdOf(ids: readonly bigint[]): bigint {
  const bytes = Buffer.alloc(ids.length * ID_BYTES);
  [...ids].sort((a, b) => (a < b ? -1 : 1)).forEach((id, i) => void bytes.writeBigUInt64BE(id, i * ID_BYTES));
  return idOf(bytes);
}

/**
 * Where members listen for each other: `http://host:port`, or `https` where they use TLS, in ascending order.
 *
 * @param field - for the error
 * @throws {@link InvalidArgumentError} if there is none, or one is not of that form
 */
export function checkPeerUrls(urls: readonly string[], field: string): readonly string[] {
  if (urls.length === 0) throw new InvalidArgumentError(field, 'no address', PEER_URL);
  return urls.map((url) => checkPeerUrl(url, field)).sort();
}

const PEER_URL = "an address such as 'http://10.0.0.1:2380'";

function checkPeerUrl(url: string, field: string): string {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  // The URL parser leaves out the scheme's own port, and gives a path to an address without one.
  const isPlain =
    parsed !== undefined &&
    /^https?:$/.test(parsed.protocol) &&
    /^https?:\/\/(?:\[[0-9a-f:]+\]|[^/:@?#]+):\d+\/?$/i.test(url);
  if (!isPlain) throw new InvalidArgumentError(field, url, isUnix(url) ? TCP_ALONE : PEER_URL);
  return url.replace(/\/$/, '');
}

function peerUrls(peers: Peers, name: string): readonly string[] {
  if (name === '' || /[=,\s]/.test(name)) {
    throw new InvalidArgumentError('peers', name, 'names without spaces, commas and equals signs');
  }
  return checkPeerUrls([peers[name] as string | readonly string[]].flat(), `peers.${name}`);
}

function initialMember(name: string, urls: readonly string[], token: string): MemberInfo {
  const id = idOf(Buffer.from(urls.join('') + token));
  return { id, name, peerUrls: urls, clientUrls: [], incarnation: 0n, isLearner: false };
}

function refuseTwins(members: readonly MemberInfo[]): void {
  const owners = new Map<string, string>();
  for (const { name, peerUrls: urls } of members) {
    for (const url of urls) {
      const owner = owners.get(url);
      if (owner !== undefined) throw new InvalidArgumentError('peers', url, `one member's address, not ${owner}'s too`);
      owners.set(url, name);
    }
  }
}

/** Ids are hashes, cut to 64 bits as etcd does; 0 means nobody. */
function idOf(bytes: Uint8Array): bigint {
  return asBuffer(createHash('sha1').update(bytes).digest()).readBigUInt64BE(0) || 1n;
}

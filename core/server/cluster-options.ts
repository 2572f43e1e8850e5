import { InvalidArgumentError } from '../base/errors.js';
import type { PeerTls } from '../peer/types.js';
import { type Address, isReachable, type ListenAt, toAddresses, toUrl } from './addresses.js';
import { checkPeerUrls, type Peers } from './cluster.js';

/** How a member finds its cluster. What is given of the first five matters only for a member that has never run. */
export interface ClusterOptions {
  /** What the member is called: its name in `peers`. Default: `'default'`. */
  readonly name?: string;
  /**
   * Every member with which the cluster begins, or, for one that joins, every member that there is by now: by name,
   * where it listens for the others, as `'http://10.0.0.1:2380'` (`https` with `peerTls`). Default: a cluster of one.
   */
  readonly peers?: Peers;
  /** `'existing'`: the member was added to a cluster that runs, and joins it. Default: `'new'`. */
  readonly initialState?: 'new' | 'existing';
  /** Keeps clusters apart that begin with the same addresses. */
  readonly token?: string;
  /** Where the others reach this member. Default: what `peers` says, or where it listens. */
  readonly advertisePeers?: readonly string[];
  /** Where to listen for other members. Default: what `peers` says. A cluster of one listens only if this is given. */
  readonly listenPeers?: ListenAt;
  /** Where clients reach this member, for those who ask a member for the others. Default: where it listens for them. */
  readonly advertiseClients?: readonly string[];
  /** Certificates, as PEM, for peers whose addresses begin with `https`. */
  readonly peerTls?: PeerTls;
  /**
   * Makes a cluster of one from what this member has, when a majority of its cluster is lost for good. What only the lost
   * members had is lost; and should one of them come back, it finds that it is of another cluster.
   */
  readonly forceNewCluster?: boolean;
  /** Let a learner vote as soon as it has caught up. Default: true. */
  readonly autoPromote?: boolean;
  /** Refuse changes of members that could leave the cluster without a majority. Default: true. */
  readonly strictReconfigCheck?: boolean;
}

/** What {@link ClusterOptions} come to. */
export interface ClusterSettings {
  readonly name: string;
  /** The members to begin with, or to join; `undefined`: a member by itself, that nobody can reach. */
  readonly peers: Peers | undefined;
  readonly isJoining: boolean;
  readonly token: string | undefined;
  readonly advertisePeers: readonly string[];
  readonly listenPeers: readonly Address[];
}

const NAME = 'default';

/** @throws {@link InvalidArgumentError} naming the option that is missing, makes no sense, or contradicts another */
export function resolveCluster(options: ClusterOptions): ClusterSettings {
  const { name = NAME, initialState = 'new', token } = options;
  if (initialState !== 'new' && initialState !== 'existing') {
    throw new InvalidArgumentError('initialState', initialState, "'new' or 'existing'");
  }
  const isJoining = initialState === 'existing';
  if (options.peers === undefined && options.listenPeers === undefined) {
    if (isJoining) throw new InvalidArgumentError('peers', undefined, 'the members of the cluster that is joined');
    return { name, peers: undefined, isJoining, token, advertisePeers: [], listenPeers: [] };
  }
  const advertisePeers = advertised(name, options);
  const scheme = schemeOf(advertisePeers, options.peerTls);
  return {
    name,
    peers: options.peers ?? { [name]: advertisePeers },
    isJoining,
    token,
    advertisePeers,
    listenPeers: toAddresses(options.listenPeers ?? advertisePeers, 'listenPeers', scheme),
  };
}

function advertised(name: string, { peers, advertisePeers, listenPeers }: ClusterOptions): readonly string[] {
  const listed = peers?.[name];
  if (peers !== undefined && listed === undefined) {
    throw new InvalidArgumentError('name', name, `one of the names in peers: ${Object.keys(peers).join(', ')}`);
  }
  const own = listed === undefined ? undefined : checkPeerUrls([listed].flat(), `peers.${name}`);
  const given = advertisePeers && checkPeerUrls(advertisePeers, 'advertisePeers');
  if (own !== undefined && given !== undefined && own.join() !== given.join()) {
    throw new InvalidArgumentError('advertisePeers', given.join(), `as in peers.${name}: ${own.join()}`);
  }
  return own ?? given ?? listening(listenPeers as ListenAt);
}

/** Where a member listens is where others reach it, unless that is every address, or any port. */
function listening(listenPeers: ListenAt): readonly string[] {
  const isSecure = [listenPeers].flat().some((one) => typeof one === 'string' && one.startsWith('https:'));
  const scheme = isSecure ? 'https' : 'http';
  return toAddresses(listenPeers, 'listenPeers', scheme).map((address) => {
    const url = toUrl(address, scheme);
    if (isReachable(address)) return url;
    throw new InvalidArgumentError('advertisePeers', undefined, `addresses to be reached at, since ${url} is none`);
  });
}

function schemeOf(urls: readonly string[], tls: PeerTls | undefined): 'http' | 'https' {
  const isSecure = urls.every((url) => url.startsWith('https:'));
  if (isSecure !== urls.some((url) => url.startsWith('https:'))) {
    throw new InvalidArgumentError('advertisePeers', urls.join(), 'all http or all https');
  }
  if (isSecure && tls === undefined) {
    throw new InvalidArgumentError('peerTls', undefined, 'certificates, for https; or peerAutoTls');
  }
  return isSecure ? 'https' : 'http';
}

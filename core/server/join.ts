import type { Clock } from '../base/clock.js';
import { InvalidArgumentError, UnavailableError } from '../base/errors.js';
import type { MemberInfo } from '../machine/types.js';
import { decodeMembers, type MembersTold } from '../member/peer-traffic.js';
import type { PeerTls } from '../peer/types.js';
import type { ClusterSettings } from './cluster-options.js';
import type { Platform } from './platform.js';

/** What the cluster that is joined says of itself, and of whoever joins. */
export interface Introduction extends MembersTold {
  readonly self: MemberInfo;
}

export interface JoinSurroundings {
  readonly platform: Pick<Platform, 'queryMembers'>;
  readonly tls: PeerTls | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * Asks the members of a running cluster who they are, and finds among them the one that was added for this process: the
 * one with its addresses.
 *
 * @throws {@link UnavailableError} if none of them answers
 * @throws {@link InvalidArgumentError} if no member with these addresses was added
 */
export async function introduce(cluster: ClusterSettings, surroundings: JoinSurroundings): Promise<Introduction> {
  const own = cluster.advertisePeers.join();
  const told = await askAnyone(urlsOfOthers(cluster), surroundings);
  const self = told.members.find(({ peerUrls }) => [...peerUrls].sort().join() === own);
  if (self !== undefined) return { ...told, self };
  const known = told.members.map(({ peerUrls }) => peerUrls.join()).join('; ');
  throw new InvalidArgumentError('advertisePeers', own, `the addresses of a member that was added before: ${known}`);
}

function urlsOfOthers({ peers = {}, advertisePeers }: ClusterSettings): readonly string[] {
  return Object.values(peers)
    .flat()
    .filter((url) => !advertisePeers.includes(url));
}

/** One after the other: the first who answers knows enough. */
async function askAnyone(
  urls: readonly string[],
  { platform, tls, clock, timeoutMs }: JoinSurroundings,
): Promise<MembersTold> {
  const failures: string[] = [];
  for (const url of urls) {
    try {
      return decodeMembers(await platform.queryMembers(url, { timeoutMs, clock, ...(tls && { tls }) }));
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  const why = failures.length === 0 ? 'peers names nobody else' : failures.join('; ');
  throw new UnavailableError(`no member of the cluster that is to be joined can be asked: ${why}`);
}

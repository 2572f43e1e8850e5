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
 * Asks the members of a running cluster, one after the other, who they are, until one knows the member that was added for
 * this process: the one with its addresses.
 *
 * @throws {@link UnavailableError} if none of them answers
 * @throws {@link InvalidArgumentError} if none of those who answer knows a member with these addresses
 */
export async function introduce(cluster: ClusterSettings, surroundings: JoinSurroundings): Promise<Introduction> {
  const own = cluster.advertisePeers.join();
  let known: string | undefined;
  const failures: string[] = [];
  for (const url of urlsOfOthers(cluster)) {
    try {
      const told = await ask(url, surroundings);
      const self = told.members.find(({ peerUrls }) => [...peerUrls].sort().join() === own);
      if (self !== undefined) return { ...told, self };
      // It may not have applied yet what another one has.
      known = told.members.map(({ peerUrls }) => peerUrls.join()).join('; ');
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  if (known !== undefined) {
    throw new InvalidArgumentError('advertisePeers', own, `the addresses of a member that was added before: ${known}`);
  }
  const why = failures.length === 0 ? 'peers names nobody else' : failures.join('; ');
  throw new UnavailableError(`no member of the cluster that is to be joined can be asked: ${why}`);
}

function urlsOfOthers({ peers = {}, advertisePeers }: ClusterSettings): readonly string[] {
  return Object.values(peers)
    .flat()
    .filter((url) => !advertisePeers.includes(url));
}

async function ask(url: string, { platform, tls, clock, timeoutMs }: JoinSurroundings): Promise<MembersTold> {
  return decodeMembers(await platform.queryMembers(url, { timeoutMs, clock, ...(tls && { tls }) }));
}

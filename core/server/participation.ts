import type { StateStore } from '../member/state-store.js';
import type { MemberInfo } from '../machine/types.js';
import type { Identity } from '../member/identity.js';
import type { Participation, Surroundings } from './assemble.js';
import type { ClusterOptions, ClusterSettings } from './cluster-options.js';

/** Room in a frame for what surrounds an entry that is as large as a request may be. */
const FRAME_MARGIN_BYTES = 1024 * 1024;
const FRAME_BYTES_MIN = 16 * 1024 * 1024;

/** What is found out about a member before it takes part. */
export interface Participant {
  readonly identity: Identity;
  readonly cluster: ClusterSettings;
  readonly stateStore: StateStore;
  readonly toldMembers: readonly MemberInfo[];
  readonly clientUrls: readonly string[];
}

/** How a member that lives in a folder takes part in its cluster. */
export function participate(
  { identity, cluster, ...known }: Participant,
  options: ClusterOptions,
  { platform, settings, clock, prng, logger }: Surroundings,
): Participation {
  const isSecure = cluster.advertisePeers.some((url) => url.startsWith('https:'));
  return {
    ...known,
    name: cluster.name,
    autoPromote: options.autoPromote ?? true,
    strictReconfigCheck: options.strictReconfigCheck ?? true,
    peers:
      cluster.listenPeers.length === 0
        ? undefined
        : (handler) =>
            platform.startPeers({
              greeting: { ...identity, peerUrls: cluster.advertisePeers },
              listen: cluster.listenPeers,
              ...(isSecure && options.peerTls && { tls: options.peerTls }),
              handler,
              clock,
              prng,
              logger,
              limits: {
                queueBytesMax: settings.peerQueueBytesMax,
                snapshotBytesPerSecond: settings.snapshotBytesPerSecond,
                frameBytesMax: Math.max(FRAME_BYTES_MIN, settings.requestBytesMax + FRAME_MARGIN_BYTES),
              },
            }),
  };
}

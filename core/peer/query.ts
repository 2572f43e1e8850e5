import type { Clock } from '../base/clock.js';
import { PeerQueryError } from '../base/errors.js';
import { silentLogger } from '../base/logger.js';
import { TlsMaterial } from '../tls/tls-material.js';
import { dialTlsOf } from './address.js';
import { dial } from './dial.js';
import { KIND } from './frame.js';
import { encodeHello } from './greeting.js';
import { DEFAULT_PEER_LIMITS } from './limits.js';
import { type Sockets, systemSockets } from './sockets.js';
import type { PeerTls } from './types.js';
import { MalformedError } from './wire-reader.js';

const NOBODY = { clusterId: 0n, memberId: 0n, incarnation: 0n };

/** How to ask. */
export interface QueryOptions {
  readonly tls?: PeerTls;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Default: the operating system's. */
  readonly sockets?: Sockets;
}

/**
 * Asks the member behind a URL who is in its cluster, as one that is about to join does.
 *
 * @returns what its `PeerHandler.members` gave
 * @throws {@link InvalidArgumentError} if certificates make no sense
 * @throws {@link PeerQueryError} if it cannot be reached, does not answer within `timeoutMs` or is no member
 */
export async function queryMembers(url: string, options: QueryOptions): Promise<Uint8Array> {
  const { tls, timeoutMs, clock, sockets = systemSockets } = options;
  const material = tls && new TlsMaterial(tls, { field: 'peerTls', clock, logger: silentLogger });
  const dialTls = tls && material && dialTlsOf(tls, material);
  return new Promise((resolve, reject) => {
    let members: Uint8Array | undefined;
    dial({
      url,
      sockets,
      tls: dialTls,
      hello: encodeHello({ purpose: 'members', greeting: NOBODY, target: 0n }),
      clock,
      limits: { ...DEFAULT_PEER_LIMITS, greetingTimeoutMs: timeoutMs },
      isHeld: true,
      judge: (kind, body) => {
        if (kind !== KIND.members) throw new MalformedError(`a frame of kind ${kind} instead of the members`);
        members = Uint8Array.from(body);
        return undefined;
      },
      onOpen: (link) => {
        link.destroy('it has answered');
        resolve(members as Uint8Array);
      },
      onFrame: () => {},
      onClose: () => {},
      onFailure: ({ why }) => reject(new PeerQueryError(url, why)),
    });
  });
}

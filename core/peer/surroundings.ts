import type { DialTls } from './address.js';
import type { Clock } from '../base/clock.js';
import type { Prng } from '../base/prng.js';
import type { MemberId } from '../raft/types.js';
import type { PeerLimits } from './limits.js';
import type { PacedLog } from '../base/paced-log.js';
import type { Pulse } from './pulse.js';
import type { Sockets } from './sockets.js';
import type { Greeting, PeerHandler, Refused } from './types.js';

/** What all connections of one transport share. */
export interface Surroundings {
  readonly greeting: Greeting;
  readonly handler: PeerHandler;
  readonly sockets: Sockets;
  /** Of the certificates that are in force now: to be asked for with each connection. */
  readonly tls: DialTls | undefined;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: PacedLog;
  readonly limits: PeerLimits;
  readonly pulse: Pulse;
}

/** Whether whoever answered is whom we meant, and one whom the member talks to. */
export function judgeWelcome(greeting: Greeting, meant: MemberId, handler: PeerHandler): Refused | undefined {
  const refused = handler.accept(greeting);
  if (refused !== undefined || greeting.memberId === meant) return refused;
  const reason = `member ${hex(greeting.memberId)} answered where member ${hex(meant)} was expected`;
  return { code: 'wrongMember', reason };
}

/** An id as people read it. */
export function hex(id: bigint): string {
  return id.toString(16);
}

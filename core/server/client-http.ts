import type { Member } from '../member/member.js';
import type { ServeOptions } from '../rpc/grpc-carrier.js';
import type { HealthPort } from '../rpc/http/health.js';
import type { Settings } from './settings.js';

/** What clients are answered by HTTP/1.1: loaded only where a port is listened on. */
export async function clientHttp(member: Member, settings: Settings): Promise<NonNullable<ServeOptions['http']>> {
  const { messageBytesMaxOf } = await import('../rpc/grpc-carrier.js');
  const { httpFront } = await import('../rpc/http/http-front.js');
  return httpFront({
    clock: member.clock,
    messageBytesMax: messageBytesMaxOf({ maxRequestBytes: settings.requestBytesMax }),
    health: healthOf(member),
  });
}

/** A member as whoever asks after its health may see it. */
function healthOf(member: Member): HealthPort {
  return {
    get leader() {
      return member.leader;
    },
    get isLearner() {
      return member.isLearner;
    },
    // A member has no alarms: one that cannot keep its promises stops.
    alarms: () => [],
    range: (request) => member.range(request),
  };
}

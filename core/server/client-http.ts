import type { Member } from '../member/member.js';
import type { CallCounts } from '../rpc/call-counts.js';
import type { ServeOptions } from '../rpc/grpc-carrier.js';
import type { HttpAccess } from '../rpc/http/access.js';
import type { Settings } from './settings.js';

/** What clients are served with beside gRPC. */
export type ClientFace = Required<Pick<ServeOptions, 'http' | 'counts'>>;

/** The HTTP/1.1 that clients are answered, and what is counted of their calls: loaded only where a port is listened on. */
export async function clientFace(member: Member, settings: Settings, access: HttpAccess): Promise<ClientFace> {
  const { messageBytesMaxOf } = await import('../rpc/grpc-carrier.js');
  const { MemberHttp } = await import('../rpc/http/http-front.js');
  const { CallCounts } = await import('../rpc/call-counts.js');
  const { LateMetrics } = await import('./late-metrics.js');
  const { CLUSTER_VERSION, ETCD_VERSION } = await import('../rpc/maintenance.js');
  const calls: CallCounts = new CallCounts();
  const fronts: InstanceType<typeof MemberHttp>[] = [];
  const versions = { server: ETCD_VERSION, cluster: CLUSTER_VERSION };
  const metrics = new LateMetrics({ member, calls, versions, http: () => fronts.map(({ gateway }) => gateway) });
  const parts = {
    ...access,
    clock: member.clock,
    messageBytesMax: messageBytesMaxOf({ maxRequestBytes: settings.requestBytesMax }),
    health: member,
    healthObserver: metrics.health,
    metrics,
  };
  return {
    counts: calls,
    http: (handlers) => {
      const front = new MemberHttp(parts, handlers);
      fronts.push(front);
      return front;
    },
  };
}

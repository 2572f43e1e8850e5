import type { MethodDefinition } from '@grpc/grpc-js';
import { toDeleteMessage, toPutMessage, toRangeMessage, toTxnMessage } from '../../../rpc/convert-requests.js';
import { AdminService } from '../../../rpc/gen/admin.js';
import { ClusterService } from '../../../rpc/gen/cluster.js';
import { KVService } from '../../../rpc/gen/kv.js';
import { LeaseService } from '../../../rpc/gen/lease.js';
import { MaintenanceService } from '../../../rpc/gen/maintenance.js';
import { WatchService } from '../../../rpc/gen/watch.js';
import type { Chance } from '../chance.js';
import { drawTexts } from './commands.js';
import { stateRequests } from './state-commands.js';
import { drawWire } from './wire.js';

/** One kind of call that a client can make of a member, and requests of it that mean something. */
export interface Call {
  readonly path: string;
  readonly carries: 'unary' | 'watch' | 'keepAlive' | 'snapshot';
  readonly draw: (chance: Chance) => Uint8Array;
}

/** 64 bits at their edges, and small numbers such as revisions, ids of watches and leases are. */
function edge(chance: Chance): bigint {
  if (chance.oneIn(2)) return BigInt(chance.between(-2, 12));
  return chance.pick([2n ** 31n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n)]);
}

function call<Request>(method: MethodDefinition<Request, never>, draw: (chance: Chance) => Request): Call {
  const carries = method.requestStream ? (method.path.includes('Watch') ? 'watch' : 'keepAlive') : 'unary';
  return {
    path: method.path,
    carries: method.responseStream && !method.requestStream ? 'snapshot' : carries,
    draw: (chance) => (chance.oneIn(6) ? drawWire(chance) : method.requestSerialize(draw(chance))),
  };
}

const keyOf = (chance: Chance) => chance.pick(['', '\0', 'a', 'b', '\xff'].map((text) => Buffer.from(text, 'latin1')));

/** Every method of every service. */
export const CALLS: readonly Call[] = [
  call(KVService.range as never, (chance) => ({
    ...toRangeMessage(stateRequests.range(chance)),
    ...(chance.oneIn(3) && { revision: edge(chance), limit: edge(chance) }),
    ...(chance.oneIn(6) && { sortOrder: chance.between(-1, 4), sortTarget: chance.between(-1, 6) }),
    ...(chance.oneIn(8) && { key: keyOf(chance), rangeEnd: keyOf(chance) }),
  })),
  call(KVService.put as never, (chance) => ({
    ...toPutMessage(stateRequests.put(chance)),
    ...(chance.oneIn(6) && { key: keyOf(chance), lease: edge(chance) }),
  })),
  call(KVService.deleteRange as never, (chance) => ({
    ...toDeleteMessage(stateRequests.delete(chance)),
    ...(chance.oneIn(6) && { key: keyOf(chance), rangeEnd: keyOf(chance) }),
  })),
  call(KVService.txn as never, (chance) => toTxnMessage(stateRequests.txn(chance))),
  call(KVService.compact as never, (chance) => ({ revision: edge(chance), physical: chance.oneIn(2) })),
  call(LeaseService.leaseGrant as never, (chance) => ({ TTL: edge(chance), ID: edge(chance) })),
  call(LeaseService.leaseRevoke as never, (chance) => ({ ID: edge(chance) })),
  call(LeaseService.leaseTimeToLive as never, (chance) => ({ ID: edge(chance), keys: chance.oneIn(2) })),
  call(LeaseService.leaseLeases as never, () => ({})),
  call(LeaseService.leaseKeepAlive as never, (chance) => ({ ID: edge(chance) })),
  call(ClusterService.memberAdd as never, (chance) => ({ peerURLs: drawTexts(chance), isLearner: chance.oneIn(2) })),
  call(ClusterService.memberRemove as never, (chance) => ({ ID: chance.id() })),
  call(ClusterService.memberUpdate as never, (chance) => ({ ID: chance.id(), peerURLs: drawTexts(chance) })),
  call(ClusterService.memberPromote as never, (chance) => ({ ID: chance.id() })),
  call(ClusterService.memberList as never, (chance) => ({ linearizable: chance.oneIn(2) })),
  call(AdminService.replaceMember as never, (chance) => ({ deadId: chance.id(), peerUrls: drawTexts(chance) })),
  call(MaintenanceService.alarm as never, (chance) => ({
    ...{ action: chance.between(-1, 4), memberID: chance.id(), alarm: chance.between(-1, 4) },
  })),
  call(MaintenanceService.status as never, () => ({})),
  call(MaintenanceService.hashKv as never, (chance) => ({ revision: edge(chance) })),
  call(MaintenanceService.moveLeader as never, (chance) => ({ targetID: chance.id() })),
  call(MaintenanceService.snapshot as never, () => ({})),
  call(WatchService.watch as never, drawWatchRequest),
];

function drawWatchRequest(chance: Chance): object {
  const watchId = chance.oneIn(4) ? edge(chance) : BigInt(chance.between(0, 4));
  if (chance.oneIn(3)) return { requestUnion: { $case: 'cancelRequest', cancelRequest: { watchId } } };
  if (chance.oneIn(6)) return { requestUnion: { $case: 'progressRequest', progressRequest: {} } };
  const createRequest = {
    ...{ key: keyOf(chance), rangeEnd: keyOf(chance), startRevision: edge(chance), watchId },
    ...{ progressNotify: chance.oneIn(2), prevKv: chance.oneIn(2), fragment: chance.oneIn(2) },
    filters: chance.list(3, () => chance.between(-1, 3)),
  };
  return { requestUnion: { $case: 'createRequest', createRequest } };
}

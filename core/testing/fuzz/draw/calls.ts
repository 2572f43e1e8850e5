import { fromBinary, toJsonString } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import { toDeleteMessage, toPutMessage, toRangeMessage, toTxnMessage } from '../../../rpc/convert-requests.js';
import { ClusterService } from '../../../rpc/gen/cluster.js';
import { KVService } from '../../../rpc/gen/kv.js';
import { LeaseService } from '../../../rpc/gen/lease.js';
import { MaintenanceService } from '../../../rpc/gen/maintenance.js';
import { WatchService } from '../../../rpc/gen/watch.js';
import type { Operation, TxnRequest } from '../../../base/operation.js';
import type { Chance } from '../chance.js';
import { mutate, randomBytes } from '../mutate.js';
import { drawTexts } from './commands.js';
import { drawFields, edge, toJsonText, toWire } from './fields.js';
import { type Method, METHODS } from './methods.js';
import { stateRequests } from './state-commands.js';
import { drawWire } from './wire.js';

/** Transactions within each other, of those that are drawn to be carried out. */
const NESTED_MAX = 3;

/** One kind of call that a client can make of a member, and requests of it: some mean something, others less. */
export interface Call extends Method {
  /** A message, as bytes of gRPC's. */
  readonly draw: (chance: Chance) => Uint8Array;
  /** The body of a request to the gateway. */
  readonly drawJson: (chance: Chance) => Buffer;
}

/** Every method of every service. */
export const CALLS: readonly Call[] = METHODS.map((method) => ({
  ...method,
  draw: (chance) => drawBytes(method, chance),
  drawJson: (chance) => drawBody(method, chance),
}));

function drawBytes({ path, input }: Method, chance: Chance): Uint8Array {
  const meaningful = MEANINGFUL.get(path);
  if (meaningful && chance.oneIn(2)) return meaningful(chance);
  switch (chance.between(0, 9)) {
    case 0:
      return drawWire(chance);
    case 1:
      return randomBytes(chance);
    case 2:
      return mutate(toWire(drawFields(input, chance), chance), chance);
    default:
      return toWire(drawFields(input, chance), chance);
  }
}

function drawBody({ path, input }: Method, chance: Chance): Buffer {
  const meaningful = MEANINGFUL.get(path);
  if (meaningful && chance.oneIn(3)) {
    return Buffer.from(toJsonString(input, fromBinary(input, meaningful(chance)), { useProtoFieldName: true }));
  }
  const text = Buffer.from(toJsonText(drawFields(input, chance), chance));
  switch (chance.between(0, 9)) {
    case 0:
      return randomBytes(chance);
    case 1:
      return mutate(text, chance);
    default:
      return text;
  }
}

const keyOf = (chance: Chance) => chance.pick(['', '\0', 'a', 'b', '\xff'].map((text) => Buffer.from(text, 'latin1')));

type Draws = readonly [path: string, draw: (chance: Chance) => Uint8Array];

function call<Request>(method: MethodDefinition<Request, never>, draw: (chance: Chance) => Request): Draws {
  return [method.path, (chance) => method.requestSerialize(draw(chance))];
}

/** Requests that have to do with each other, by the path of their method. */
const MEANINGFUL: ReadonlyMap<string, (chance: Chance) => Uint8Array> = new Map([
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
  call(KVService.txn as never, (chance) => toTxnMessage(chance.oneIn(2) ? nested(chance) : stateRequests.txn(chance))),
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
  call(MaintenanceService.alarm as never, (chance) => ({
    ...{ action: chance.between(-1, 4), memberID: chance.id(), alarm: chance.between(-1, 4) },
  })),
  call(MaintenanceService.status as never, () => ({})),
  call(MaintenanceService.hashKv as never, (chance) => ({ revision: edge(chance) })),
  call(MaintenanceService.moveLeader as never, (chance) => ({ targetID: chance.id() })),
  call(MaintenanceService.snapshot as never, () => ({})),
  call(WatchService.watch as never, drawWatchRequest),
]);

/** One operation alone, some transactions down: nothing else keeps it from being carried out. */
function nested(chance: Chance): TxnRequest {
  let inner: Operation = chance.oneIn(3) ? stateRequests.delete(chance) : stateRequests.put(chance);
  const txn = (): TxnRequest => ({ type: 'txn', compares: [], success: [inner], failure: [] });
  for (let left = chance.between(0, NESTED_MAX); left > 0; left -= 1) inner = txn();
  return txn();
}

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

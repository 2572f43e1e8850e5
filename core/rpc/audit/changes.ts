/** Which calls ask for a change, and what an entry tells of each: what is named here, and nothing else of a request. */
import { isUtf8 } from 'node:buffer';
import type { MethodDefinition } from '@grpc/grpc-js';
import { AdminService } from '../gen/admin.js';
import { AuthService } from '../gen/auth.js';
import { type Permission, Permission_Type } from '../gen/authpb.js';
import { ClusterService } from '../gen/cluster.js';
import { ElectionService, type LeaderKey } from '../gen/election.js';
import { type DeleteRangeRequest, KVService, type PutRequest, type RequestOp, type TxnRequest } from '../gen/kv.js';
import type { TxnResponse } from '../gen/kv.js';
import { LeaseService } from '../gen/lease.js';
import { LockService } from '../gen/lock.js';
import {
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmType,
  DowngradeRequest_DowngradeAction as DowngradeAction,
  MaintenanceService,
} from '../gen/maintenance.js';
import type { AuditedBytes, AuditedFacts, AuditedKey, Change } from './audit-entry.js';

/** Bytes of a key or a name that are told. */
const TOLD_BYTES = 256;
/** Keys of one call that are told: as many as etcd lets a transaction have operations. */
const TOLD_KEYS = 128;
/** Addresses of one member that are told. */
const TOLD_URLS = 16;

/**
 * What a call changes, or would have changed.
 *
 * @param response - undefined if the call was refused
 * @returns undefined if it asked for no change after all, as a transaction whose branch only reads
 */
export type Describe = (request: unknown, response: unknown) => Change | undefined;

/** What is told of a method, by its path. A method that is not here asks for no change. */
export const CHANGES: ReadonlyMap<string, Describe> = new Map([
  of(KVService.put, (request) => ({ keys: [putKey(request)] })),
  of(KVService.deleteRange, (request) => ({ keys: [deletedKey(request)] })),
  of(KVService.txn, changeOfTxn),
  of(KVService.compact, ({ revision, physical }) => facts({ revision: Number(revision), physical })),

  of(LeaseService.leaseGrant, ({ ID, TTL }, response) => facts({ lease: hex(response?.ID ?? ID), ttl: Number(TTL) })),
  of(LeaseService.leaseRevoke, ({ ID }) => facts({ lease: hex(ID) })),

  of(LockService.lock, ({ name, lease }, response) => ({
    ...keyOf('put', response?.key),
    ...facts({ name: told(name), lease: hex(lease) }),
  })),
  of(LockService.unlock, ({ key }) => keyOf('delete', key)),
  of(ElectionService.campaign, ({ name, lease }, response) => ({
    ...keyOf('put', response?.leader?.key),
    ...facts({ name: told(name), lease: hex(lease) }),
  })),
  of(ElectionService.proclaim, ({ leader }) => keyOf('put', keyOfLeader(leader))),
  of(ElectionService.resign, ({ leader }) => keyOf('delete', keyOfLeader(leader))),

  of(ClusterService.memberAdd, ({ peerURLs, isLearner }) => facts({ peerUrls: urls(peerURLs), isLearner })),
  of(ClusterService.memberRemove, ({ ID }) => facts({ id: hex(ID) })),
  of(ClusterService.memberUpdate, ({ ID, peerURLs }) => facts({ id: hex(ID), peerUrls: urls(peerURLs) })),
  of(ClusterService.memberPromote, ({ ID }) => facts({ id: hex(ID) })),
  of(AdminService.replaceMember, ({ deadId, peerUrls }) => facts({ id: hex(deadId), peerUrls: urls(peerUrls) })),

  of(MaintenanceService.alarm, ({ action, alarm, memberID }) =>
    action === AlarmAction.GET
      ? undefined
      : facts({ action: AlarmAction[action] ?? '', alarm: AlarmType[alarm] ?? '', id: hex(memberID) }),
  ),
  of(MaintenanceService.defragment, () => ({})),
  of(MaintenanceService.moveLeader, ({ targetID }) => facts({ id: hex(targetID) })),
  of(MaintenanceService.downgrade, ({ action, version }) =>
    action === DowngradeAction.VALIDATE
      ? undefined
      : facts({ action: DowngradeAction[action] ?? '', version: toldText(version) }),
  ),

  of(AuthService.authEnable, () => ({})),
  of(AuthService.authDisable, () => ({})),
  of(AuthService.authenticate, ({ name }) => facts({ name: toldText(name) })),
  of(AuthService.userAdd, ({ name }) => facts({ name: toldText(name) })),
  of(AuthService.userDelete, ({ name }) => facts({ name: toldText(name) })),
  of(AuthService.userChangePassword, ({ name }) => facts({ name: toldText(name) })),
  of(AuthService.userGrantRole, ({ user, role }) => facts({ name: toldText(user), role: toldText(role) })),
  of(AuthService.userRevokeRole, ({ name, role }) => facts({ name: toldText(name), role: toldText(role) })),
  of(AuthService.roleAdd, ({ name }) => facts({ role: toldText(name) })),
  of(AuthService.roleDelete, ({ role }) => facts({ role: toldText(role) })),
  of(AuthService.roleGrantPermission, ({ name, perm }) => facts({ role: toldText(name), ...permissionFacts(perm) })),
  of(AuthService.roleRevokePermission, ({ role, key, rangeEnd }) =>
    facts({ role: toldText(role), key: told(key), ...endOf(rangeEnd) }),
  ),
]);

function of<Request, Response>(
  { path }: MethodDefinition<Request, Response>,
  describe: (request: Request, response: Response | undefined) => Change | undefined,
): readonly [string, Describe] {
  return [path, describe as Describe];
}

/** The keys of the branch that was carried out; of both, where it is not known which that would have been. */
function changeOfTxn(request: TxnRequest, response: TxnResponse | undefined): Change | undefined {
  const keys = keysOfTxn(request, response);
  if (keys.length === 0) return undefined;
  const leftOut = keys.length - TOLD_KEYS;
  return leftOut <= 0 ? { keys } : { keys: keys.slice(0, TOLD_KEYS), keysLeftOut: leftOut };
}

function keysOfTxn(request: TxnRequest, response: TxnResponse | undefined): AuditedKey[] {
  if (response === undefined) return [...request.success, ...request.failure].flatMap((op) => keysOfOperation(op));
  const branch = response.succeeded ? request.success : request.failure;
  return branch.flatMap((op, at) => {
    const answer = response.responses[at]?.response;
    return keysOfOperation(op, answer?.$case === 'responseTxn' ? answer.responseTxn : undefined);
  });
}

function keysOfOperation({ request }: RequestOp, nested?: TxnResponse): AuditedKey[] {
  switch (request?.$case) {
    case 'requestPut':
      return [putKey(request.requestPut)];
    case 'requestDeleteRange':
      return [deletedKey(request.requestDeleteRange)];
    case 'requestTxn':
      return keysOfTxn(request.requestTxn, nested);
    default:
      return [];
  }
}

function putKey({ key, lease }: PutRequest): AuditedKey {
  return { op: 'put', key: told(key), ...(lease !== 0n && { lease: hex(lease) }) };
}

function deletedKey({ key, rangeEnd }: DeleteRangeRequest): AuditedKey {
  return { op: 'delete', key: told(key), ...endOf(rangeEnd) };
}

function keyOf(op: AuditedKey['op'], key: Uint8Array | undefined): Change {
  return key === undefined ? {} : { keys: [{ op, key: told(key) }] };
}

function keyOfLeader(leader: LeaderKey | undefined): Uint8Array | undefined {
  return leader?.key;
}

function permissionFacts(permission: Permission | undefined): AuditedFacts {
  if (permission === undefined) return {};
  const { permType, key, rangeEnd } = permission;
  return { permission: Permission_Type[permType] ?? '', key: told(key), ...endOf(rangeEnd) };
}

function facts(of: AuditedFacts): Change {
  return { facts: of };
}

function endOf(rangeEnd: Uint8Array): { readonly end?: AuditedBytes } {
  return rangeEnd.length === 0 ? {} : { end: told(rangeEnd) };
}

function urls(given: readonly string[]): readonly AuditedBytes[] {
  return given.slice(0, TOLD_URLS).map(toldText);
}

function toldText(text: string): AuditedBytes {
  return told(Buffer.from(text, 'utf8'));
}

function told(bytes: Uint8Array): AuditedBytes {
  if (bytes.length <= TOLD_BYTES && isUtf8(bytes)) return Buffer.from(bytes).toString('utf8');
  return { base64: Buffer.from(bytes.subarray(0, TOLD_BYTES)).toString('base64'), bytes: bytes.length };
}

/** Of 64 bits, as `lease list` and `member list` have them. */
function hex(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16);
}

import type { MethodDefinition } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { AdminService } from '../gen/admin.js';
import { AuthService } from '../gen/auth.js';
import { Permission_Type } from '../gen/authpb.js';
import { ClusterService } from '../gen/cluster.js';
import { ElectionService } from '../gen/election.js';
import { KVService } from '../gen/kv.js';
import { LeaseService } from '../gen/lease.js';
import { LockService } from '../gen/lock.js';
import { AlarmRequest_AlarmAction as AlarmAction, AlarmType, MaintenanceService } from '../gen/maintenance.js';
import { WatchService } from '../gen/watch.js';
import { CHANGES } from './changes.js';

const SERVICES = {
  ...KVService,
  ...LeaseService,
  ...WatchService,
  ...LockService,
  ...ElectionService,
  ...ClusterService,
  ...AdminService,
  ...MaintenanceService,
  ...AuthService,
};

/** What asks for no change; a method that is new must be put here or there. */
const READING = [
  ...['KV/Range', 'KV/RangeStream', 'Watch/Watch', 'Cluster/MemberList', 'Election/Leader', 'Election/Observe'],
  ...['Lease/LeaseKeepAlive', 'Lease/LeaseTimeToLive', 'Lease/LeaseLeases'],
  ...['Maintenance/Status', 'Maintenance/Hash', 'Maintenance/HashKV', 'Maintenance/Snapshot'],
  ...['Auth/AuthStatus', 'Auth/UserGet', 'Auth/UserList', 'Auth/RoleGet', 'Auth/RoleList'],
];

const bytes = (text: string) => Buffer.from(text);

/** What is told of a call of which only some fields are said. */
function told<Request, Response>(
  { path, requestDeserialize, responseDeserialize }: MethodDefinition<Request, Response>,
  request: Partial<Request>,
  response?: Partial<Response>,
) {
  const nothing = Buffer.alloc(0);
  const whole = response && { ...responseDeserialize(nothing), ...response };
  return CHANGES.get(path)?.({ ...requestDeserialize(nothing), ...request }, whole);
}

const put = (key: string, lease = 0n) => ({
  request: {
    $case: 'requestPut' as const,
    requestPut: { ...KVService.put.requestDeserialize(Buffer.alloc(0)), key: bytes(key), lease, value: bytes('v') },
  },
});
const remove = (key: string, end: string) => ({
  request: {
    $case: 'requestDeleteRange' as const,
    requestDeleteRange: { key: bytes(key), rangeEnd: bytes(end), prevKv: false },
  },
});
const read = {
  request: {
    $case: 'requestRange' as const,
    requestRange: { ...KVService.range.requestDeserialize(Buffer.alloc(0)), key: bytes('read') },
  },
};

test('every method asks for a change or is known not to', () => {
  const known = [...CHANGES.keys(), ...READING.map((name) => SERVICE_OF(name))];
  expect(
    Object.values(SERVICES)
      .map(({ path }) => path)
      .sort(),
  ).toEqual(known.sort());
});

function SERVICE_OF(name: string): string {
  const found = Object.values(SERVICES).find(({ path }) => path.endsWith(`.${name}`));
  return found?.path ?? name;
}

test('no value, password or token is told of any call', () => {
  const secret = 'the secret itself';
  const hidden = {
    value: bytes(secret),
    password: secret,
    hashedPassword: secret,
    token: secret,
    header: undefined,
    prevKv: { ...KVService.put.requestDeserialize(Buffer.alloc(0)), value: bytes(secret) },
    perm: { permType: Permission_Type.READ, key: bytes('k'), rangeEnd: bytes(''), password: secret },
    success: [
      { request: { $case: 'requestPut', requestPut: { ...put('k').request.requestPut, value: bytes(secret) } } },
    ],
    leader: { name: bytes('n'), key: bytes('n/1'), rev: 1, lease: 1n, value: bytes(secret) },
  };
  const nothing = Buffer.alloc(0);

  const all = Object.values(SERVICES).map(({ path, requestDeserialize, responseDeserialize }) => {
    const request = { ...requestDeserialize(nothing), ...hidden };
    const answered = CHANGES.get(path)?.(request, {
      ...(responseDeserialize(nothing) as object),
      ...hidden,
      success: true,
    });
    return [answered, CHANGES.get(path)?.(request, undefined)];
  });

  const text = JSON.stringify(all);
  expect(text).toContain('"k"');
  expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(secret).toString('base64').slice(0, 12));
});

describe('of keys', () => {
  test('a put tells the key and its lease, a deletion the range', () => {
    expect(told(KVService.put, { key: bytes('a'), value: bytes('v'), lease: -1n })).toEqual({
      keys: [{ op: 'put', key: 'a', lease: 'ffffffffffffffff' }],
    });
    expect(told(KVService.deleteRange, { key: bytes('a'), rangeEnd: bytes('b') })).toEqual({
      keys: [{ op: 'delete', key: 'a', end: 'b' }],
    });
  });

  test('that are no text, or long, tell how many bytes they have, and the first', () => {
    expect(told(KVService.put, { key: Buffer.from([0xff, 0x00]) })).toEqual({
      keys: [{ op: 'put', key: { base64: '/wA=', bytes: 2 } }],
    });
    expect(told(KVService.put, { key: bytes('x'.repeat(256)) })?.keys?.[0]?.key).toBe('x'.repeat(256));
    expect(told(KVService.put, { key: bytes('x'.repeat(257)) })?.keys?.[0]?.key).toEqual({
      base64: Buffer.from('x'.repeat(256)).toString('base64'),
      bytes: 257,
    });
  });

  test('a transaction tells those of the branch that was carried out, down to the last level', () => {
    const nested = {
      $case: 'requestTxn' as const,
      requestTxn: { compare: [], success: [put('yes')], failure: [put('no')] },
    };
    const request = { success: [read, { request: nested }, remove('c', 'd')], failure: [put('else')] };
    const inner = {
      $case: 'responseTxn' as const,
      responseTxn: { header: undefined, succeeded: false, responses: [] },
    };
    const responses = [{ response: undefined }, { response: inner }, { response: undefined }];

    expect(told(KVService.txn, request, { succeeded: true, responses })?.keys).toEqual([
      { op: 'put', key: 'no' },
      { op: 'delete', key: 'c', end: 'd' },
    ]);
    expect(told(KVService.txn, request, { succeeded: false })?.keys).toEqual([{ op: 'put', key: 'else' }]);
    expect(told(KVService.txn, request)?.keys?.map(({ key }) => key)).toEqual(['yes', 'no', 'c', 'else']);
  });

  test('a transaction that only read changes nothing', () => {
    expect(told(KVService.txn, { success: [put('a')], failure: [read] }, { succeeded: false })).toBeUndefined();
    expect(told(KVService.txn, { success: [read] })).toBeUndefined();
  });

  test('at most 128 of a transaction are told, and how many more there are', () => {
    const puts = (count: number) => Array.from({ length: count }, (_, at) => put(`k${at}`));
    const at = told(KVService.txn, { success: puts(128) }, { succeeded: true });
    const beyond = told(KVService.txn, { success: puts(129) }, { succeeded: true });
    expect([at?.keys?.length, at?.keysLeftOut]).toEqual([128, undefined]);
    expect([beyond?.keys?.length, beyond?.keysLeftOut]).toEqual([128, 1]);
  });

  test('a lock and a campaign tell the key that they were given', () => {
    expect(told(LockService.lock, { name: bytes('l'), lease: 10n }, { key: bytes('l/a') })).toEqual({
      keys: [{ op: 'put', key: 'l/a' }],
      facts: { name: 'l', lease: 'a' },
    });
    expect(told(LockService.unlock, { key: bytes('l/a') })).toEqual({ keys: [{ op: 'delete', key: 'l/a' }] });
    expect(told(ElectionService.resign, {})).toEqual({});
  });
});

describe('of all else', () => {
  test('ids are as the command line tells them', () => {
    expect(told(LeaseService.leaseGrant, { TTL: 60n }, { ID: 255n })?.facts).toEqual({ lease: 'ff', ttl: 60 });
    expect(told(ClusterService.memberRemove, { ID: 2n ** 63n })?.facts).toEqual({ id: '8000000000000000' });
  });

  test('a right tells the role, the kind and the range', () => {
    const perm = { permType: Permission_Type.READWRITE, key: bytes('a'), rangeEnd: bytes('b') };
    expect(told(AuthService.roleGrantPermission, { name: 'r', perm })?.facts).toEqual({
      ...{ role: 'r', permission: 'READWRITE', key: 'a', end: 'b' },
    });
  });

  test('asking for alarms is no change, and raising one is', () => {
    expect(told(MaintenanceService.alarm, { action: AlarmAction.GET })).toBeUndefined();
    expect(told(MaintenanceService.alarm, { action: AlarmAction.ACTIVATE, alarm: AlarmType.NOSPACE })?.facts).toEqual({
      ...{ action: 'ACTIVATE', alarm: 'NOSPACE', id: '0' },
    });
  });

  test('at most 16 addresses of a member are told', () => {
    const peerURLs = Array.from({ length: 20 }, (_, at) => `http://h${at}:1`);
    expect(told(ClusterService.memberAdd, { peerURLs })?.facts?.['peerUrls']).toHaveLength(16);
  });
});

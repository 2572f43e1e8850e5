import { type MethodDefinition, type ServiceDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { key, prefix } from '../base/key-range.js';
import { AdminService } from '../rpc/gen/admin.js';
import { AuthService } from '../rpc/gen/auth.js';
import { ClusterService } from '../rpc/gen/cluster.js';
import { ElectionService } from '../rpc/gen/election.js';
import { HealthService } from '../rpc/gen/health.js';
import { KVService } from '../rpc/gen/kv.js';
import { LeaseService } from '../rpc/gen/lease.js';
import { LockService } from '../rpc/gen/lock.js';
import { MaintenanceService } from '../rpc/gen/maintenance.js';
import { ServerReflectionService } from '../rpc/gen/reflection.js';
import { WatchService } from '../rpc/gen/watch.js';
import { RawClient } from '../rpc/testing/raw-client.js';
import { put } from '../txn.js';
import { type RunningMember, startMember } from './start-member.js';

/** Who calls: without a token, with one of nobody's, and users whose roles differ. */
const WHO = ['none', 'forged', 'roleless', 'elsewhere', 'reader', 'writer', 'root'] as const;
type Who = (typeof WHO)[number];
const KNOWN: readonly Who[] = ['roleless', 'elsewhere', 'reader', 'writer', 'root'];
const ANYBODY: readonly Who[] = ['none', ...KNOWN];
/** Not even a token is looked at. */
const EVERYBODY: readonly Who[] = WHO;

/** What etcd answers to those who may not. */
const NOT_NAMED = 'etcdserver: user name is empty';
const NOT_VALID = 'etcdserver: invalid auth token';
const DENIED = 'etcdserver: permission denied';
const REFUSALS = [NOT_NAMED, NOT_VALID, DENIED, 'etcdserver: revision of auth store is old'];

const bytes = (text: string) => Buffer.from(text);
const rangeOf = (name: string, end = '') => ({ key: bytes(name), rangeEnd: bytes(end) });
const PREFIX = rangeOf('a/', 'a0');
const read = (part: object) => ({ ...RANGE, ...part });
const RANGE = KVService.range.requestDeserialize(Buffer.alloc(0));
const PUT = KVService.put.requestDeserialize(Buffer.alloc(0));
const DELETE = KVService.deleteRange.requestDeserialize(Buffer.alloc(0));
const inRange = (part: object) => ({ request: { $case: 'requestRange', requestRange: read(part) } });
const inPut = (part: object) => ({ request: { $case: 'requestPut', requestPut: { ...PUT, ...part } } });
const inDelete = (part: object) => ({
  request: { $case: 'requestDeleteRange', requestDeleteRange: { ...DELETE, ...part } },
});
const inTxn = (part: object) => ({ request: { $case: 'requestTxn', requestTxn: txn(part) } });
const txn = (part: object) => ({ compare: [], success: [], failure: [], ...part });
const compare = (name: string) => ({ result: 0, target: 0, targetUnion: undefined, ...rangeOf(name) });

/** A lease with a key below "a/" for each who may try to end it, so that nobody finds it ended. */
const leaseOf = (who: Who) => BigInt(100 + WHO.indexOf(who));

interface Row {
  readonly method: string;
  readonly what?: string;
  readonly request: (who: Who) => object;
  readonly may: readonly Who[];
  /** Who is let through with it, but would spoil the rest. */
  readonly except?: readonly Who[];
}

const row = (method: string, request: object, may: readonly Who[], more: Partial<Row> = {}): Row => ({
  ...{ method, request: () => request, may },
  ...more,
});

/** Every call, with each variant that has needs of its own. */
const TABLE: readonly Row[] = [
  row('KV/Range', read(rangeOf('a/1')), ['reader', 'root']),
  row('KV/Range', read(PREFIX), ['reader', 'root'], { what: 'of a range' }),
  row('KV/Range', read({ ...PREFIX, serializable: true }), ['reader', 'root'], { what: 'serializable' }),
  row('KV/Range', read({ ...PREFIX, countOnly: true }), ['reader', 'root'], { what: 'of a count' }),
  row('KV/Range', read(rangeOf('a/', '\0')), ['root'], { what: 'without an end' }),
  row('KV/RangeStream', read(rangeOf('a/1')), ['reader', 'root']),
  row('KV/RangeStream', read(PREFIX), ['reader', 'root'], { what: 'of a range' }),
  row('KV/RangeStream', read(rangeOf('a/', '\0')), ['root'], { what: 'without an end' }),
  row('KV/Put', { ...PUT, ...rangeOf('a/1') }, ['writer', 'root']),
  row('KV/Put', { ...PUT, ...rangeOf('a/1'), prevKv: true }, ['root'], { what: 'with the value before' }),
  row('KV/Put', { ...PUT, ...rangeOf('a/1'), lease: 9n }, ['root'], { what: 'with a lease of others' }),
  row('KV/DeleteRange', { ...DELETE, ...rangeOf('a/1') }, ['writer', 'root']),
  row('KV/DeleteRange', { ...DELETE, ...rangeOf('a/1'), prevKv: true }, ['root'], { what: 'with the values' }),
  row('KV/DeleteRange', { ...DELETE, ...rangeOf('z', '\0') }, ['root'], { what: 'without an end' }),
  row('KV/Txn', txn({}), KNOWN, { what: 'of nothing' }),
  row('KV/Txn', txn({ compare: [compare('a/1')] }), ['reader', 'root'], { what: 'with a compare' }),
  row('KV/Txn', txn({ failure: [inRange(PREFIX)] }), ['reader', 'root'], { what: 'with a read in a branch not taken' }),
  row('KV/Txn', txn({ success: [inPut(rangeOf('a/1'))] }), ['writer', 'root'], { what: 'with a put' }),
  row('KV/Txn', txn({ success: [inDelete(rangeOf('a/1'))] }), ['writer', 'root'], { what: 'with a deletion' }),
  row(
    'KV/Txn',
    txn({ success: [inTxn({ failure: [inTxn({ success: [inPut(rangeOf('a/1'))] })] })] }),
    ['writer', 'root'],
    {
      what: 'with a put two levels down',
    },
  ),
  row('KV/Txn', txn({ success: [inTxn({ success: [inRange(PREFIX)] })] }), ['reader', 'root'], {
    what: 'with a read one level down',
  }),
  row('KV/Txn', txn({ success: [inTxn({ compare: [compare('a/1')] })] }), ['reader', 'root'], {
    what: 'with a compare one level down',
  }),
  row('KV/Txn', txn({ success: [inTxn({ success: [inPut({ ...rangeOf('a/1'), prevKv: true })] })] }), ['root'], {
    what: 'with a put one level down that answers the value before',
  }),
  row('KV/Txn', txn({ success: [inTxn({ success: [inPut({ ...rangeOf('a/1'), lease: 9n })] })] }), ['root'], {
    what: 'with a put one level down with a lease of others',
  }),
  row('KV/Compact', { revision: 1n, physical: false }, ['root']),
  row('Watch/Watch', PREFIX, ['reader', 'root']),
  row('Watch/Watch', rangeOf('a/1'), ['reader', 'root'], { what: 'of one key' }),
  row('Watch/Watch', rangeOf('a/1', '\0'), ['root'], { what: 'without an end' }),
  row('Watch/Watch', rangeOf(''), ['root'], { what: 'of no key' }),
  row('Lease/LeaseGrant', { TTL: 100n, ID: 0n }, KNOWN),
  row('Lease/LeaseRevoke', {}, ['writer', 'root'], { request: (who) => ({ ID: leaseOf(who) }) }),
  row('Lease/LeaseRevoke', { ID: 5n }, KNOWN, { what: 'of none' }),
  row('Lease/LeaseKeepAlive', { ID: 8n }, ['writer', 'root']),
  row('Lease/LeaseTimeToLive', { ID: 8n, keys: true }, ['reader', 'root'], { what: 'with its keys' }),
  row('Lease/LeaseTimeToLive', { ID: 8n, keys: false }, KNOWN),
  row('Lease/LeaseLeases', {}, ['root']),
  row('Cluster/MemberAdd', { peerURLs: [], isLearner: false }, ['root']),
  row('Cluster/MemberRemove', { ID: 5n }, ['root']),
  row('Cluster/MemberUpdate', { ID: 5n, peerURLs: [] }, ['root']),
  row('Cluster/MemberPromote', { ID: 5n }, ['root']),
  row('Cluster/MemberList', { linearizable: false }, KNOWN),
  row('Cluster/MemberList', { linearizable: true }, KNOWN, { what: 'linearizable' }),
  row('Maintenance/Alarm', { action: 0, memberID: 0n, alarm: 0 }, KNOWN),
  row('Maintenance/Alarm', { action: 1, memberID: 0n, alarm: 1 }, ['root'], { what: 'to raise one' }),
  row('Maintenance/Alarm', { action: 2, memberID: 0n, alarm: 1 }, ['root'], { what: 'to end one' }),
  row('Maintenance/Status', {}, KNOWN),
  row('Maintenance/Snapshot', {}, ['root']),
  row('Maintenance/Defragment', {}, ['root']),
  row('Maintenance/HashKV', { revision: 0n }, ['root']),
  row('Maintenance/Hash', {}, ['root']),
  row('Maintenance/Downgrade', { action: 0, version: '3.4.0' }, ['root']),
  row('Maintenance/MoveLeader', { targetID: 5n }, ['root']),
  row('Auth/AuthEnable', {}, ['root']),
  row('Auth/AuthDisable', {}, ['root'], { except: ['root'] }),
  row('Auth/AuthStatus', {}, ANYBODY),
  row('Auth/Authenticate', { name: 'reader', password: 'pw' }, ANYBODY),
  row('Auth/UserAdd', { name: 'reader', password: '', options: undefined, hashedPassword: '' }, ['root']),
  row('Auth/UserGet', { name: 'reader' }, ['reader', 'root']),
  row('Auth/UserGet', { name: 'ghost' }, ['root'], { what: 'of nobody' }),
  row('Auth/UserList', {}, ['root']),
  row('Auth/UserDelete', { name: 'ghost' }, ['root']),
  row('Auth/UserChangePassword', { name: 'ghost', password: 'x', hashedPassword: '' }, ['root']),
  row('Auth/UserGrantRole', { user: 'ghost', role: 'x' }, ['root']),
  row('Auth/UserRevokeRole', { name: 'ghost', role: 'x' }, ['root']),
  row('Auth/RoleAdd', { name: 'to-read' }, ['root']),
  row('Auth/RoleGet', { role: 'to-read' }, ['reader', 'root']),
  row('Auth/RoleList', {}, ['root']),
  row('Auth/RoleDelete', { role: 'ghost' }, ['root']),
  row('Auth/RoleGrantPermission', { name: 'ghost', perm: { permType: 0, ...rangeOf('a') } }, ['root']),
  row('Auth/RoleRevokePermission', { role: 'ghost', ...rangeOf('a') }, ['root']),
  row('Lock/Lock', {}, ['root'], { request: (who) => ({ name: bytes(`b-${who}`), lease: 0n }) }),
  row('Lock/Unlock', { key: bytes('a/none') }, ['writer', 'root']),
  row('Election/Campaign', {}, ['root'], {
    request: (who) => ({ name: bytes(`c-${who}`), lease: 0n, value: bytes('v') }),
  }),
  row('Election/Proclaim', {}, ['root'], {
    request: () => ({ value: bytes('v'), leader: { name: bytes('a'), key: bytes('a/none'), rev: 7n, lease: 0n } }),
  }),
  row('Election/Leader', { name: bytes('a') }, ['reader', 'root']),
  row('Election/Observe', { name: bytes('a') }, ['reader', 'root']),
  row('Election/Resign', {}, ['root'], {
    request: () => ({ leader: { name: bytes('a'), key: bytes('a/none'), rev: 7n, lease: 0n } }),
  }),
  row('Admin/ReplaceMember', { deadId: 5n, peerUrls: [] }, ['root']),
  row('Health/Check', { service: '' }, EVERYBODY),
  row('Health/List', {}, EVERYBODY),
  row('Health/Watch', { service: '' }, EVERYBODY),
  row(
    'ServerReflection/ServerReflectionInfo',
    { host: '', messageRequest: { $case: 'listServices', listServices: '' } },
    EVERYBODY,
  ),
];

const SERVICES: readonly ServiceDefinition[] = [
  ...[KVService, WatchService, LeaseService, ClusterService, MaintenanceService, AuthService, AdminService],
  ...[LockService, ElectionService, HealthService, ServerReflectionService],
];
const METHODS: ReadonlyMap<string, MethodDefinition<object, object>> = new Map(
  SERVICES.flatMap((service) => Object.values(service) as MethodDefinition<object, object>[]).map(
    (method) => [nameOf(method.path), method] as const,
  ),
);

/** `/etcdserverpb.KV/Range` is `KV/Range`. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

let running: RunningMember;
let client: RawClient;
const tokens = new Map<Who, string>();

beforeAll(async () => {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', authPasswordCost: 4 });
  const { member, clientUrl = '' } = running;
  const { hostname, port } = new URL(clientUrl);
  client = new RawClient({ host: hostname, port: Number(port) });
  const { auth } = member;
  await member.put(put('a/1', 'v'));
  for (const id of [8n, 9n, ...WHO.map(leaseOf)]) await member.leaseGrant(id, 1_000);
  for (const who of WHO) await member.put(put(`a/of-${who}`, '', { lease: leaseOf(who) }));
  await member.put(put('a/of-8', '', { lease: 8n }));
  await member.put(put('secret', '', { lease: 9n }));
  const roles = [
    { role: 'to-read', permission: { ...prefix('a/'), access: 'read' } },
    { role: 'to-write', permission: { ...prefix('a/'), access: 'write' } },
    { role: 'to-other', permission: { ...prefix('z/'), access: 'readWrite' } },
  ] as const;
  for (const { role, permission } of roles) {
    await auth.change({ type: 'roleAdd', role });
    await auth.change({ type: 'roleGrant', role, permission });
  }
  for (const name of KNOWN) await auth.change({ type: 'userAdd', name, password: 'pw' });
  const given = { root: 'root', reader: 'to-read', writer: 'to-write', elsewhere: 'to-other' };
  for (const [name, role] of Object.entries(given)) await auth.change({ type: 'userGrant', name, role });
  await auth.change({ type: 'enable' });
  for (const who of KNOWN) tokens.set(who, await auth.authenticate(who, 'pw'));
  tokens.set('forged', 'abcdefghijklmnop.5');
});

afterAll(async () => {
  client.close();
  await running.close();
});

/** With which text somebody is turned away; undefined if let through, whatever becomes of the call then. */
async function refusalOf({ method, request }: Row, who: Who): Promise<string | undefined> {
  const definition = METHODS.get(method);
  if (definition === undefined) throw new Error(`there is no method ${method}`);
  const token = tokens.get(who);
  const headers: Record<string, string> = token === undefined ? {} : { token };
  const text = await answerOf(definition, request(who), headers);
  return REFUSALS.find((refusal) => text === refusal || text.endsWith(`desc = ${refusal}`));
}

async function answerOf(
  method: MethodDefinition<object, object>,
  message: object,
  headers: Record<string, string>,
): Promise<string> {
  if (method === METHODS.get('Watch/Watch')) return watch(message, headers);
  if (method.requestStream || method.responseStream) return stream(method, message, headers);
  try {
    await client.unary(method, message, headers);
    return '';
  } catch (error) {
    return (error as ServiceError).details;
  }
}

async function watch(target: object, headers: Record<string, string>): Promise<string> {
  const stream = client.stream(WatchService.watch, headers);
  stream.send({ requestUnion: { $case: 'createRequest', createRequest: { ...CREATE, ...target } } });
  const { cancelReason } = await stream.next();
  stream.cancel();
  return cancelReason;
}
const CREATE = {
  ...{ startRevision: 0n, progressNotify: false, filters: [], prevKv: false, watchId: 0n, fragment: false },
  ...rangeOf('a'),
};

async function stream(
  method: MethodDefinition<object, object>,
  message: object,
  headers: Record<string, string>,
): Promise<string> {
  const stream = method.requestStream ? client.stream(method, headers) : client.download(method, message, headers);
  if (method.requestStream) stream.send(message);
  const text = await Promise.race([stream.next().then(() => ''), stream.ended.then((error) => error?.details ?? '')]);
  stream.drain().cancel();
  return text;
}

describe.each(TABLE)('$method $what', (row) => {
  test.each(WHO.filter((who) => !row.except?.includes(who)))('for %s', async (who) => {
    const denied = who === 'none' ? NOT_NAMED : who === 'forged' ? NOT_VALID : DENIED;

    expect(await refusalOf(row, who)).toBe(row.may.includes(who) ? undefined : denied);
  });
});

test('every call that is answered is in the table', async () => {
  const missing = [...METHODS].filter(([name]) => !TABLE.some(({ method }) => method === name));

  const answers = missing.map(async ([name, method]) => {
    const error = await client.bytes(method.path, Buffer.alloc(0)).catch((error: ServiceError) => error);
    return { name, code: (error as ServiceError).code };
  });

  for (const { name, code } of await Promise.all(answers))
    expect({ name, code }).toEqual({ name, code: status.UNIMPLEMENTED });
});

test('what somebody was turned away from has changed nothing', async () => {
  const { member } = running;
  const before = await member.auth.status();
  const { revision } = await member.range({ type: 'range', ...key('a/1') });

  for (const row of TABLE) await refusalOf(row, 'elsewhere');
  for (const row of TABLE) await refusalOf(row, 'none');

  expect(await member.auth.status()).toEqual(before);
  expect((await member.range({ type: 'range', ...key('a/1') })).revision).toBe(revision);
});

test('whoever authenticates may use the token as HTTP has it', async () => {
  const range = read(PREFIX);
  const token = tokens.get('reader') as string;

  for (const authorization of [token, `Bearer ${token}`]) {
    const { count } = await client.unary(KVService.range, range, { authorization });
    expect(Number(count)).toBeGreaterThan(0);
  }
  const forged = { token: 'forged.1', authorization: token };
  await expect(client.unary(KVService.range, range, forged)).rejects.toMatchObject({ details: NOT_VALID });
});

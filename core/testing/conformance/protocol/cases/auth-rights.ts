import {
  anything,
  at,
  bare,
  call,
  compact,
  deleteRange,
  fails,
  gives,
  including,
  INT64_MAX,
  introduced,
  kv,
  leaseGrant,
  leaseLeases,
  leaseRevoke,
  leaseTimeToLive,
  on,
  onPurpose,
  op,
  put,
  puts,
  range,
  rule,
  since,
  stream,
  topic,
  txn,
} from '../notation.js';
import type { Call, Expected, Failure, Fields, Outcome } from '../rule.js';
import { as, auth, ENABLED, enabledFor, grant, login, userAdd } from './auth-setup.js';
import { BAD_TOKEN, BAD_TRANSFEREE, DENIED, FUTURE, LEASE_NOT_FOUND, NO_KEY, NO_USER_NAME } from './wire-errors.js';

/** Where the guards came that older versions lack: CVE-2026-33413, CVE-2026-33343, and reads through puts within. */
const GUARDED = '3.4.42 3.5.28 3.6.9';
/** Keys of leases. */
const LISTED = '3.4.26 3.5.9';
const NESTED_READS = '3.4.44 3.5.30 3.6.11';

/** The refusal as the older Maintenance service tells it. */
const uncoded = ({ text }: Failure) => fails('UNKNOWN', (text as string).replace('etcdserver:', 'auth:'));

/** The refusal as locks and elections tell it. */
const uncodedAlike = ({ text }: Failure) => fails('UNKNOWN', text);

const perm = { permType: 'READ', key: 'k' };
/** Everything that only root may ask for; `since`: some older ones answer everybody. */
const FOR_ROOT: readonly (readonly [Call, since?: string, before?: (refusal: Failure) => Outcome])[] = [
  [auth('AuthEnable', {})],
  [auth('UserAdd', { name: 'x', password: 'x' })],
  [auth('UserGet', { name: 'root' })],
  [auth('UserList', {})],
  [auth('UserDelete', { name: 'a' })],
  [auth('UserChangePassword', { name: 'a', password: 'x' })],
  [auth('UserGrantRole', { user: 'a', role: 'root' })],
  [auth('UserRevokeRole', { name: 'a', role: 'r' })],
  [auth('RoleAdd', { name: 'x' })],
  [auth('RoleGet', { role: 'root' })],
  [auth('RoleList', {})],
  [auth('RoleDelete', { role: 'r' })],
  [auth('RoleGrantPermission', { name: 'r', perm })],
  [auth('RoleRevokePermission', { role: 'r', key: 'k' })],
  [auth('AuthDisable', {})],
  [call('Maintenance/Defragment', {}), '3.6', uncoded],
  [call('Maintenance/Hash', {}), '3.6', uncoded],
  [call('Maintenance/HashKV', {}), '3.6', uncoded],
  [compact({ revision: INT64_MAX }), GUARDED, () => FUTURE],
  [call('Cluster/MemberAdd', { peerURLs: ['http://127.0.0.1:23997'] })],
  [call('Cluster/MemberRemove', { ID: 1 })],
  [call('Cluster/MemberUpdate', { ID: 1, peerURLs: ['http://127.0.0.1:23997'] })],
  [call('Cluster/MemberPromote', { ID: 1 })],
  [call('Maintenance/MoveLeader', { targetID: 1 }), '3.4.42 3.5.28 3.6', () => BAD_TRANSFEREE],
  [call('Maintenance/Alarm', { action: 'DEACTIVATE', alarm: 'NOSPACE', memberID: 77 }), GUARDED, () => bare()],
];

/** Everything that any user may ask for, and nobody else. */
const FOR_USERS: readonly (readonly [Call, since?: string, before?: Expected<Outcome>])[] = [
  [leaseGrant({ TTL: 600, ID: '$lease' }), GUARDED],
  [leaseRevoke({ ID: 1 }), GUARDED, LEASE_NOT_FOUND],
  [leaseTimeToLive({ ID: 1 }), GUARDED],
  [leaseTimeToLive({ ID: 1, keys: true }), LISTED],
  [leaseLeases({}), LISTED],
  [call('Cluster/MemberList', {}), GUARDED],
  [call('Maintenance/Status', {}), '3.4.42 3.5.28 3.6'],
  [call('Maintenance/Alarm', {}), GUARDED, bare()],
];

/** Everything that keys and their permissions decide. */
const ON_KEYS: readonly (readonly [string, Call])[] = [
  ['a range', range({ key: '~a' })],
  ['a serializable range', range({ key: '~a', serializable: true })],
  ['a count', range({ key: '~a', countOnly: true })],
  ['a put', put({ key: '~a' })],
  ['a deletion', deleteRange({ key: '~a' })],
  ['a transaction with a range', txn({ success: [op.range({ key: '~a' })] })],
  ['a transaction with a put', txn({ success: [op.put({ key: '~a' })] })],
  ['a transaction with a deletion', txn({ success: [op.delete({ key: '~a' })] })],
  ['a transaction with a compare', txn({ compare: [{ key: '~a', target: 'VERSION' }] })],
  ['a transaction with a put in the branch that is not taken', txn({ failure: [op.put({ key: '~a' })] })],
];

/** What each kind of permission for `~a` allows of it. */
const RIGHTS: readonly (readonly [string, Call, read: boolean, write: boolean, both: boolean])[] = [
  ['reads', range({ key: '~a' }), true, false, true],
  ['counts', range({ key: '~a', countOnly: true }), true, false, true],
  ['puts', put({ key: '~a' }), false, true, true],
  ['puts and is told the pair before', put({ key: '~a', prevKv: true }), false, false, true],
  ['deletes', deleteRange({ key: '~a' }), false, true, true],
  ['deletes and is told the pairs before', deleteRange({ key: '~a', prevKv: true }), false, false, true],
  ['compares', txn({ compare: [{ key: '~a', target: 'VERSION' }] }), true, false, true],
  ['reads in a transaction', txn({ success: [op.range({ key: '~a' })] }), true, false, true],
  ['puts in a transaction', txn({ success: [op.put({ key: '~a' })] }), false, true, true],
  ['deletes in a transaction', txn({ success: [op.delete({ key: '~a' })] }), false, true, true],
];

const NESTED: readonly (readonly [string, Fields, string])[] = [
  ['reads', op.range({ key: '~b' }), GUARDED],
  ['puts', op.put({ key: '~b' }), GUARDED],
  ['deletes', op.delete({ key: '~b' }), GUARDED],
  ['is told the pair before', op.put({ key: '~w', prevKv: true }), NESTED_READS],
  ['is told the pairs that it deletes', op.delete({ key: '~w', prevKv: true }), GUARDED],
  ['binds to a lease', op.put({ key: '~a', lease: '$lease' }), NESTED_READS],
  ['compares', op.txn({ compare: [{ key: '~b', target: 'VERSION' }] }), GUARDED],
];

/** Permissions to read, what is read, and whether that is within. */
const SPANS: readonly (readonly [string, readonly (readonly [string, string?])[], Fields, boolean])[] = [
  ['one key, by a permission for it', [['~a']], { key: '~a' }, true],
  ['a key, by a permission for another', [['~a']], { key: '~b' }, false],
  ['a key that begins with the permitted one', [['~a']], { key: '~aa' }, false],
  ['a range, by a permission for its first key', [['~a']], { key: '~a', rangeEnd: '~b' }, false],
  ['a range, by a permission for it', [['~a', '~c']], { key: '~a', rangeEnd: '~c' }, true],
  ['a range within the permitted one', [['~a', '~d']], { key: '~b', rangeEnd: '~c' }, true],
  ['a key within the permitted range', [['~a', '~d']], { key: '~b' }, true],
  ['the end of the permitted range', [['~a', '~d']], { key: '~d' }, false],
  ['a range that goes beyond the permitted one', [['~a', '~c']], { key: '~a', rangeEnd: '~d' }, false],
  ['a range that begins before the permitted one', [['~b', '~d']], { key: '~a', rangeEnd: '~c' }, false],
  [
    'a range, by two permissions that meet',
    [
      ['~a', '~b'],
      ['~b', '~c'],
    ],
    { key: '~a', rangeEnd: '~c' },
    true,
  ],
  [
    'a range, by two permissions that overlap',
    [
      ['~a', '~c'],
      ['~b', '~d'],
    ],
    { key: '~a', rangeEnd: '~d' },
    true,
  ],
  [
    'a range, by two permissions with a gap',
    [
      ['~a', '~b'],
      ['~c', '~d'],
    ],
    { key: '~a', rangeEnd: '~d' },
    false,
  ],
  ['from a key on, by a permission from it on', [['~a', '\0']], { key: '~a', rangeEnd: '\0' }, true],
  ['from a later key on', [['~a', '\0']], { key: '~b', rangeEnd: '\0' }, true],
  ['from an earlier key on', [['~b', '\0']], { key: '~a', rangeEnd: '\0' }, false],
  ['from a key on, by a permission with an end', [['~a', '^']], { key: '~a', rangeEnd: '\0' }, false],
  ['from a key on, by a permission for that key', [['~a']], { key: '~a', rangeEnd: '\0' }, false],
  ['everything, by a permission for all keys of the case', [['~', '^']], { key: '\0', rangeEnd: '\0' }, false],
  ['a key, by one of three permissions', [['~a'], ['~b', '~d'], ['~e']], { key: '~c' }, true],
  ['a range around the permitted key', [['~b']], { key: '~a', rangeEnd: '~c' }, false],
  ['one key as a range, by a permission for it', [['~a']], { key: '~a', rangeEnd: '~a\0' }, true],
  ['the first key of the permitted range', [['~a', '~c']], { key: '~a' }, true],
  ['everything, by a permission for everything', [['\0', '\0']], { key: '\0', rangeEnd: '\0' }, true],
];

const watch = stream('Watch/Watch');
const kept = stream('Lease/LeaseKeepAlive');
const streamed = stream('KV/RangeStream');
const snapshot = stream('Maintenance/Snapshot');
const refusedWatch = (reason: string) =>
  gives({ watchId: -1, created: true, canceled: true, cancelReason: `rpc error: code = ${reason}` });
const asked = (of: Call, expects: Expected<Outcome> | undefined, user?: string): Call => ({
  ...of,
  expects,
  headers: user === undefined ? {} : as(user),
});
/** Whatever it answers. */
const answered = undefined;

export const authRights = topic(
  'Auth',
  on(
    'auth',
    // --- Who is nobody ----------------------------------------------------------------------------------------------
    ON_KEYS.flatMap(([name, of]) => [
      rule(`without a token: ${name}`, ENABLED, asked(of, NO_USER_NAME)),
      rule(`with a token that is none: ${name}`, ENABLED, { ...of, expects: BAD_TOKEN, headers: { token: 'x' } }),
      rule(`a user without a role: ${name}`, userAdd('a'), ENABLED, login('a'), asked(of, DENIED, 'a')),
      rule(`root: ${name}`, ENABLED, asked(of, answered, 'root')),
    ]),
    FOR_ROOT.flatMap(([of, guarded, before]) => {
      const name = `${of.method} ${Object.keys(of.request).join(' ')}`;
      const only = (refusal: Failure): Expected<Outcome> =>
        guarded === undefined || before === undefined ? refusal : since(guarded, refusal, { before: before(refusal) });
      return [
        rule(`for root alone, without a token: ${name}`, ENABLED, asked(of, only(NO_USER_NAME))),
        rule(
          `for root alone, a user with every right on keys: ${name}`,
          enabledFor('a', ['READWRITE', '\0', '\0']),
          asked(of, only(DENIED), 'a'),
        ),
      ];
    }),

    // --- Permissions ------------------------------------------------------------------------------------------------
    RIGHTS.flatMap(([name, of, read, write, both]) =>
      (
        [
          ['READ', read],
          ['WRITE', write],
          ['READWRITE', both],
        ] as const
      ).map(([permType, isAllowed]) =>
        rule(
          `${permType} ${isAllowed ? 'lets' : 'does not let'} a user who ${name}`,
          puts('~a=1'),
          enabledFor('a', [permType, '~a']),
          asked(of, isAllowed ? answered : DENIED, 'a'),
        ),
      ),
    ),
    SPANS.map(([name, permissions, request, isAllowed]) =>
      rule(
        `${isAllowed ? 'permitted' : 'not permitted'}: ${name}`,
        enabledFor('a', ...permissions.map(([key, end]) => ['READ', key, end ?? ''] as const)),
        asked(range({ ...request, countOnly: true }), isAllowed ? answered : DENIED, 'a'),
      ),
    ),
    NESTED.map(([name, operation, guarded]) =>
      rule(
        `a transaction within, by which a user ${name} what it may not`,
        puts('~b=1', '~w=1'),
        leaseGrant({ TTL: 600, ID: '$lease' }),
        put({ key: '~c', lease: '$lease' }),
        enabledFor('a', ['READWRITE', '~a'], ['WRITE', '~w']),
        asked(
          txn({ success: [op.txn({ success: [operation] })] }),
          since(guarded, DENIED, { before: gives({ succeeded: true, responses: anything }) }),
          'a',
        ),
      ),
    ),
    NESTED.filter(([name]) => name !== 'compares').map(([name, operation, guarded]) =>
      rule(
        `a transaction by which a user ${name} what it may not`,
        puts('~b=1', '~w=1'),
        leaseGrant({ TTL: 600, ID: '$lease' }),
        put({ key: '~c', lease: '$lease' }),
        enabledFor('a', ['READWRITE', '~a'], ['WRITE', '~w']),
        asked(
          txn({ success: [operation] }),
          guarded === NESTED_READS
            ? since(guarded, DENIED, { before: gives({ succeeded: true, responses: anything }) })
            : DENIED,
          'a',
        ),
      ),
    ),
    FOR_USERS.flatMap(([of, guarded, before = gives(anything)]) => {
      const name = `${of.method} ${Object.keys(of.request).join(' ')}`;
      return [
        rule(
          `for users alone, without a token: ${name}`,
          ENABLED,
          asked(of, guarded === undefined ? NO_USER_NAME : since(guarded, NO_USER_NAME, { before })),
        ),
        rule(
          `for users alone, a user without a role: ${name}`,
          userAdd('a'),
          ENABLED,
          login('a'),
          asked(of, before === LEASE_NOT_FOUND ? LEASE_NOT_FOUND : answered, 'a'),
        ),
      ];
    }),
    rule(
      'a transaction of nothing is answered to users',
      userAdd('a'),
      ENABLED,
      login('a'),
      asked(txn({}), at('r', { succeeded: true }), 'a'),
    ),
    rule(
      'a transaction of nothing without a token',
      ENABLED,
      asked(
        txn({}),
        onPurpose('nobody-is-answered-nothing', { etcd: at('r', { succeeded: true }), conclave: NO_USER_NAME }),
      ),
    ),
    rule(
      'a range is deleted by who may write all of it',
      puts('~a=1', '~b=1', '~c=1'),
      enabledFor('a', ['WRITE', '~a', '~c']),
      asked(deleteRange({ key: '~a', rangeEnd: '~c' }), at('r+4', { deleted: 2 }), 'a'),
      asked(deleteRange({ key: '~a', rangeEnd: '~d' }), DENIED, 'a'),
      asked(deleteRange({ key: '~a', rangeEnd: '\0' }), DENIED, 'a'),
    ),
    rule(
      'what is not permitted is told before what is wrong with it: a range at a revision to come',
      enabledFor('a', ['READ', '~a']),
      asked(range({ key: '~b', revision: INT64_MAX }), DENIED, 'a'),
    ),
    rule(
      'what is wrong by itself is told before what is not permitted: no key',
      enabledFor('a', ['READ', '~a']),
      asked(range({}), NO_KEY, 'a'),
      asked(put({}), NO_KEY, 'a'),
      asked(deleteRange({}), NO_KEY, 'a'),
    ),
    rule(
      'what is wrong by itself is told to nobody, too: no key',
      ENABLED,
      asked(range({}), NO_KEY),
      asked(put({}), NO_KEY),
    ),
    rule(
      'a put with a lease that is not there, of a key that may be written',
      enabledFor('a', ['WRITE', '~a']),
      asked(put({ key: '~a', lease: 77 }), LEASE_NOT_FOUND, 'a'),
      asked(put({ key: '~b', lease: 77 }), DENIED, 'a'),
    ),
    introduced(
      '3.7',
      rule(
        'a stream of a range is read by who may read it',
        puts('~a=1'),
        enabledFor('a', ['READ', '~a']),
        streamed.open({ key: '~a' }, as('a')),
        streamed.receive(bare(anything)),
      ),
      rule(
        'a stream of a range is not read by who may not read it',
        enabledFor('a', ['READ', '~a']),
        streamed.open({ key: '~a', rangeEnd: '~c' }, as('a')),
        streamed.receive(DENIED),
      ),
      rule(
        'a stream of a range is read by nobody without a token',
        ENABLED,
        streamed.open({ key: '~a' }),
        streamed.receive(NO_USER_NAME),
      ),
    ),
    rule(
      'a snapshot is for root alone',
      enabledFor('a', ['READWRITE', '\0', '\0']),
      snapshot.open({}, as('a')),
      snapshot.receive(since('3.6', DENIED, { before: uncoded(DENIED) })),
    ),
    rule(
      'a snapshot is not given without a token',
      ENABLED,
      snapshot.open(),
      snapshot.receive(since('3.6', NO_USER_NAME, { before: uncoded(NO_USER_NAME) })),
    ),

    // --- Locks and elections --------------------------------------------------------------------------------------------
    rule(
      'a lock is taken by who may read and write below its name',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      enabledFor('a', ['READWRITE', '~l/', '~l0']),
      asked(call('Lock/Lock', { name: '~l', lease: '$lease' }), gives({ key: '~l/{$lease}' }), 'a'),
      asked(call('Lock/Unlock', { key: '~l/{$lease}' }), gives({}), 'a'),
    ),
    rule(
      'a lock is not taken by who may not',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      enabledFor('a', ['READWRITE', '~m/', '~m0']),
      asked(call('Lock/Lock', { name: '~l', lease: '$lease' }), uncodedAlike(DENIED), 'a'),
    ),
    rule(
      'a lock is not taken by who may only write',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      enabledFor('a', ['WRITE', '~l/', '~l0']),
      asked(call('Lock/Lock', { name: '~l', lease: '$lease' }), uncodedAlike(DENIED), 'a'),
    ),
    rule(
      'a lock is not let go by who may not write it',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      enabledFor('a', ['READ', '~l/', '~l0']),
      asked(call('Lock/Unlock', { key: '~l/{$lease}' }), uncodedAlike(DENIED), 'a'),
    ),
    rule(
      'a lock is not taken without a token',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      ENABLED,
      asked(call('Lock/Lock', { name: '~l', lease: '$lease' }), uncodedAlike(NO_USER_NAME)),
    ),
    rule(
      'who leads is told to who may read it',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      call('Election/Campaign', { name: '~e', lease: '$lease', value: 'v' }),
      enabledFor('a', ['READ', '~e/', '~e0']),
      asked(call('Election/Leader', { name: '~e' }), gives({ kv: anything }), 'a'),
      asked(call('Election/Leader', { name: '~f' }), uncodedAlike(DENIED), 'a'),
      asked(call('Election/Leader', { name: '~e' }), uncodedAlike(NO_USER_NAME)),
    ),
    rule(
      'who may not write does not campaign',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      enabledFor('a', ['READ', '~e/', '~e0']),
      asked(call('Election/Campaign', { name: '~e', lease: '$lease', value: 'v' }), uncodedAlike(DENIED), 'a'),
    ),

    rule(
      'what a user may do is the sum of its roles',
      [auth('RoleAdd', { name: 's' }), grant('s', 'WRITE', '~a')],
      enabledFor('a', ['READ', '~a']),
      asked(put({ key: '~a' }), DENIED, 'a'),
      auth('UserGrantRole', { user: 'a', role: 's' }, answered, as('root')),
      login('a'),
      asked(put({ key: '~a' }), answered, 'a'),
      asked(range({ key: '~a' }), answered, 'a'),
    ),
    rule(
      'a permission that is taken back is gone at once',
      enabledFor('a', ['READ', '~a']),
      asked(range({ key: '~a' }), answered, 'a'),
      auth('RoleRevokePermission', { role: 'r', key: '~a' }, answered, as('root')),
      asked(range({ key: '~a' }), DENIED, 'a'),
    ),
    rule(
      'a permission that is given is there at once',
      enabledFor('a', ['READ', '~a']),
      asked(range({ key: '~b' }), DENIED, 'a'),
      auth('RoleGrantPermission', { name: 'r', perm: { permType: 'READ', key: '~b' } }, answered, as('root')),
      asked(range({ key: '~b' }), answered, 'a'),
    ),

    // --- Leases -----------------------------------------------------------------------------------------------------
    rule(
      'a key is bound to a lease only by who may write all its keys',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~b', lease: '$lease' }),
      enabledFor('a', ['READWRITE', '~a']),
      asked(put({ key: '~a', lease: '$lease' }), DENIED, 'a'),
    ),
    rule(
      'a lease is revoked only by who may write all its keys',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~b', lease: '$lease' }),
      enabledFor('a', ['READWRITE', '~a']),
      asked(leaseRevoke({ ID: '$lease' }), DENIED, 'a'),
    ),
    rule(
      'a lease is revoked by who may write all its keys',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~a', lease: '$lease' }),
      enabledFor('a', ['WRITE', '~a']),
      asked(leaseRevoke({ ID: '$lease' }), answered, 'a'),
    ),
    rule(
      'the keys of a lease are told only to who may read them',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~b', lease: '$lease' }),
      enabledFor('a', ['READWRITE', '~a']),
      asked(
        leaseTimeToLive({ ID: '$lease', keys: true }),
        since('3.4.26 3.5.9', DENIED, { before: gives(including({ keys: anything })) }),
        'a',
      ),
    ),

    rule(
      'the keys of a lease are told to who may read them',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~a', lease: '$lease' }),
      enabledFor('a', ['READ', '~a']),
      asked(
        leaseTimeToLive({ ID: '$lease', keys: true }),
        gives({ ID: '$lease', TTL: anything, grantedTTL: 600, keys: ['~a'] }),
        'a',
      ),
    ),
    rule(
      'the time of a lease is told to users who may not read its keys',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~b', lease: '$lease' }),
      userAdd('a'),
      ENABLED,
      login('a'),
      asked(leaseTimeToLive({ ID: '$lease' }), gives(including({ grantedTTL: 600 })), 'a'),
    ),
    rule(
      'leases are listed only to who may read all their keys',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~b', lease: '$lease' }),
      enabledFor('a', ['READWRITE', '~a']),
      asked(leaseLeases({}), since(LISTED, DENIED, { before: gives(anything) }), 'a'),
    ),
    rule(
      'a lease without keys is revoked by any user',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      userAdd('a'),
      ENABLED,
      login('a'),
      asked(leaseRevoke({ ID: '$lease' }), at('r'), 'a'),
    ),
    rule(
      'a lease is kept alive by who may write its keys',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~a', lease: '$lease' }),
      enabledFor('a', ['WRITE', '~a']),
      kept.open({}, as('a')),
      kept.send({ ID: '$lease' }),
      kept.receive(gives({ ID: '$lease', TTL: 600 })),
    ),
    rule(
      'a lease is not kept alive by who may not write its keys',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      put({ key: '~b', lease: '$lease' }),
      enabledFor('a', ['READWRITE', '~a']),
      kept.open({}, as('a')),
      kept.send({ ID: '$lease' }),
      kept.receive(since(GUARDED, DENIED, { before: gives({ ID: '$lease', TTL: 600 }) })),
    ),
    rule(
      'a lease is not kept alive without a token',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      ENABLED,
      kept.send({ ID: '$lease' }),
      kept.receive(since(GUARDED, NO_USER_NAME, { before: gives({ ID: '$lease', TTL: 600 }) })),
    ),

    // --- Watches ----------------------------------------------------------------------------------------------------
    rule(
      'a watch of what may be read is created',
      enabledFor('a', ['READ', '~a']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~a' } }),
      watch.receive(gives({ created: true })),
    ),
    rule(
      'a watch of what may not be read is refused, and the stream goes on',
      enabledFor('a', ['READ', '~a']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~b' } }),
      watch.receive(refusedWatch('PermissionDenied desc = etcdserver: permission denied')),
      watch.send({ createRequest: { key: '~a' } }),
      watch.receive(gives({ created: true })),
    ),
    rule(
      'a watch from a permitted key on is refused',
      enabledFor('a', ['READ', '~a']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~a', rangeEnd: '\0' } }),
      watch.receive(
        since('3.5.33 3.6.14 3.7.1', refusedWatch('PermissionDenied desc = etcdserver: permission denied'), {
          before: gives({ created: true }),
        }),
      ),
    ),
    rule(
      'a watch without a token is refused',
      ENABLED,
      watch.send({ createRequest: { key: '~a' } }),
      watch.receive(refusedWatch('InvalidArgument desc = etcdserver: user name is empty')),
    ),
    rule(
      'a watch with a token that is none is refused',
      ENABLED,
      watch.open({}, { token: 'x' }),
      watch.send({ createRequest: { key: '~a' } }),
      watch.receive(refusedWatch('Unauthenticated desc = etcdserver: invalid auth token')),
    ),
    rule(
      'a watch of nothing that may not be read',
      enabledFor('a', ['READ', '~a']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~c', rangeEnd: '~b' } }),
      watch.receive(
        onPurpose('a-watch-of-nothing-says-so', {
          etcd: refusedWatch('PermissionDenied desc = etcdserver: permission denied'),
          conclave: gives({
            ...{ watchId: -1, created: true, canceled: true },
            cancelReason: 'mvcc: watcher range is empty',
          }),
        }),
      ),
    ),
    rule(
      'a watch of a range within the permitted one hears it',
      enabledFor('a', ['READ', '~a', '~d']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~b', rangeEnd: '~d' } }),
      watch.receive(gives({ created: true })),
      asked(put({ key: '~c', value: '1' }), answered, 'root'),
      watch.receive(at('r+1', { events: [{ kv: kv('~c', '1', 'r+1') }] })),
    ),
    rule(
      'a watch of everything is refused to who may not read everything',
      enabledFor('a', ['READ', '~', '^']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { rangeEnd: '\0' } }),
      watch.receive(refusedWatch('PermissionDenied desc = etcdserver: permission denied')),
    ),
    rule(
      'a watch of one user goes on when another loses its rights',
      [
        auth('RoleAdd', { name: 's' }),
        grant('s', 'READ', '~a'),
        userAdd('b'),
        auth('UserGrantRole', { user: 'b', role: 's' }),
      ],
      enabledFor('a', ['READ', '~a']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~a' } }),
      watch.receive(gives({ created: true })),
      auth('RoleRevokePermission', { role: 's', key: '~a' }, answered, as('root')),
      asked(put({ key: '~a', value: '1' }), answered, 'root'),
      watch.receive(at('r+1', { events: [{ kv: kv('~a', '1', 'r+1') }] })),
    ),
    rule(
      'a watch goes on, or ends, when the right to it is taken away',
      enabledFor('a', ['READ', '~a']),
      watch.open({}, as('a')),
      watch.send({ createRequest: { key: '~a' } }),
      watch.receive(gives({ created: true })),
      auth('RoleRevokePermission', { role: 'r', key: '~a' }, answered, as('root')),
      asked(put({ key: '~a', value: '1' }), answered, 'root'),
      watch.receive(
        onPurpose('a-watch-ends-with-the-right-to-it', {
          etcd: at('r+1', { events: [{ kv: kv('~a', '1', 'r+1') }] }),
          conclave: gives(including({ canceled: true })),
        }),
      ),
    ),
  ),
);

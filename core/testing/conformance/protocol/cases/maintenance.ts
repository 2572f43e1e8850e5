import {
  ALL,
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
  INT64_MIN,
  introduced,
  leaseGrant,
  leaseRevoke,
  leaseTimeToLive,
  like,
  on,
  onPurpose,
  op,
  eventually,
  positive,
  put,
  puts,
  range,
  rule,
  since,
  stream,
  topic,
  txn,
  where,
} from '../notation.js';
import type { Expected, Fields, Int, Outcome, Step } from '../rule.js';
import { BAD_TRANSFEREE, COMPACTED, CORRUPT, FUTURE, NO_SPACE } from './wire-errors.js';

const kept = stream('Lease/LeaseKeepAlive');
const watch = stream('Watch/Watch');
const status = (fields: Fields) => call('Maintenance/Status', {}, gives(including(fields)));
const hashKv = (revision: Int, expects?: Expected<Outcome>) => call('Maintenance/HashKV', { revision }, expects);
/** The revision that was hashed is told since 3.6. */
const hashed = (revision: Int, hash: Int, of: Int = revision): Expected<Outcome> =>
  since('3.6', at(revision, { hash, compactRevision: anything, hashRevision: of }), {
    before: at(revision, { hash, compactRevision: anything }),
  });

/** Of a member that need not be there: whoever raises an alarm may do so for any. */
const alarm = (action: string, name: string, expects?: Expected<Outcome>, memberID: Int = '$self') =>
  call('Maintenance/Alarm', { action, alarm: name, memberID }, expects);
/** It has a header since 3.5. */
const alarmed = (...raised: readonly string[]): Expected<Outcome> => {
  const message = raised.length === 0 ? {} : { alarms: raised.map((name) => ({ memberID: '$self', alarm: name })) };
  return since('3.5', gives(message), { before: bare(message) });
};
const alarms = (...raised: readonly string[]) => call('Maintenance/Alarm', {}, alarmed(...raised));
const OF_NO_KIND = onPurpose('an-alarm-of-no-kind', {
  etcd: since('3.5', gives({ alarms: [{ memberID: '$self' }] }), { before: bare({ alarms: [{ memberID: '$self' }] }) }),
  conclave: alarmed(),
});

/** While an alarm is raised; it is over at the end. */
function during(name: string, ...steps: readonly Step[]): Step[] {
  return [alarm('ACTIVATE', name), ...steps, alarm('DEACTIVATE', name, alarmed(name))];
}

const REFUSED_WITHOUT_SPACE: readonly [string, Step][] = [
  ['a put', put({ key: '~a' }, NO_SPACE)],
  ['a transaction with a put', txn({ success: [op.put({ key: '~a' })] }, NO_SPACE)],
  ['a transaction with a put in the branch that is not taken', txn({ failure: [op.put({ key: '~a' })] }, NO_SPACE)],
  [
    'a transaction with a put within',
    txn(
      { success: [op.txn({ success: [op.put({ key: '~a' })] })] },
      since('3.5.33 3.6.14 3.7.1', NO_SPACE, { before: gives({ succeeded: true, responses: anything }) }),
    ),
  ],
  ['a lease', leaseGrant({ TTL: 60, ID: '$lease' }, NO_SPACE)],
  ['a put that keeps the value', put({ key: '~a', ignoreValue: true }, NO_SPACE)],
  ['a put with a lease that is not there', put({ key: '~a', lease: 77 }, NO_SPACE)],
  ['a lock', call('Lock/Lock', { name: '~l' }, fails('UNKNOWN', 'etcdserver: mvcc: database space exceeded'))],
];
const TAKEN_WITHOUT_SPACE: readonly [string, readonly Step[]][] = [
  ['a range', [range({ ...ALL }, at('r+1', { kvs: anything, count: 1 }))]],
  ['a deletion', [deleteRange({ key: '~k' }, at('r+2', { deleted: 1 }))]],
  [
    'a transaction without a put',
    [txn({ success: [op.delete({ key: '~k' })] }, gives({ succeeded: true, responses: anything }))],
  ],
  ['a compaction', [compact({ revision: 'r+1' }, at('r+1'))]],
  ['the end of a lease', [leaseRevoke({ ID: '$held' }, at('r+1'))]],
  ['the time of a lease', [leaseTimeToLive({ ID: '$held' }, gives({ ID: '$held', TTL: anything, grantedTTL: 600 }))]],
  ['the status', [status({ errors: anything })]],
  [
    'a transaction that reads',
    [txn({ success: [op.range({ key: '~k' })] }, gives({ succeeded: true, responses: anything }))],
  ],
  ['a hash', [hashKv(0, gives(anything))]],
  ['a renewal', [kept.send({ ID: '$held' }), kept.receive(gives({ ID: '$held', TTL: 600 }))]],
  ['a watch', [watch.send({ createRequest: { key: '~k' } }), watch.receive(gives({ created: true }))]],
];
const TAKEN_WHEN_CORRUPT: readonly [string, Step][] = [
  ['a range', range({ ...ALL }, gives({ kvs: anything, count: 1 }))],
  ['a range of one member', range({ ...ALL, serializable: true }, gives({ kvs: anything, count: 1 }))],
  [
    'a transaction that reads',
    txn({ success: [op.range({ key: '~k' })] }, gives({ succeeded: true, responses: anything })),
  ],
  ['the time of a lease', leaseTimeToLive({ ID: '$held' }, gives({ ID: '$held', TTL: anything, grantedTTL: 600 }))],
  ['a hash', hashKv(0, gives(anything))],
  ['the list of members', call('Cluster/MemberList', {}, gives({ members: anything }))],
  ['the status', status({ errors: anything })],
];

const REFUSED_WHEN_CORRUPT: readonly [string, Step][] = [
  ['a put', put({ key: '~a' }, CORRUPT)],
  ['a deletion', deleteRange({ key: '~a' }, CORRUPT)],
  ['a transaction', txn({ success: [op.put({ key: '~a' })] }, CORRUPT)],
  ['a compaction', compact({ revision: 'r' }, CORRUPT)],
  ['a lease', leaseGrant({ TTL: 60, ID: '$lease' }, CORRUPT)],
  ['the end of a lease', leaseRevoke({ ID: 1 }, CORRUPT)],
];

const FULL = { alarms: [{ memberID: '$full', alarm: 'NOSPACE' }] };
const FILLED = eventually(put({ key: '~big', value: 'x'.repeat(1_400_000) }, NO_SPACE));
const EMPTIED = [
  leaseGrant({ TTL: 60, ID: '$lease' }, NO_SPACE),
  deleteRange({ ...ALL }, gives({ deleted: 1 })),
  // To a revision that only the store knows.
  range({ ...ALL }, at('$now', {})),
  compact({ revision: '$now', physical: true }),
  call('Maintenance/Defragment', {}),
];
const WRONG_FORMAT = fails('INVALID_ARGUMENT', 'etcdserver: wrong downgrade target version format');

export const maintenance = topic(
  'Maintenance',
  // --- Status -------------------------------------------------------------------------------------------------------
  rule(
    'the status tells version, sizes, leader, term and indexes',
    status({
      version: like(/^3\.\d+\.\d+$/),
      ...{ dbSize: positive, dbSizeInUse: positive, leader: positive },
      ...{ raftIndex: positive, raftTerm: positive, raftAppliedIndex: positive },
    }),
  ),
  rule('the status tells the revision', puts('~a=1'), call('Maintenance/Status', {}, at('r+1', including({})))),
  where('one', rule('the status of a member alone tells itself as the leader', status({ leader: positive }))),
  introduced(
    '3.6',
    rule('the status tells that nothing is downgraded', status({ downgradeInfo: anything })),
    rule(
      'a snapshot tells of which version it is',
      stream('Maintenance/Snapshot').open(),
      stream('Maintenance/Snapshot').receive(gives(including({ version: like(/^3\.\d+\.\d+$/) }))),
    ),
    rule(
      'the status tells quota and storage',
      status({ dbSizeQuota: positive, storageVersion: like(/^3\.\d+\.\d+$/) }),
    ),
  ),

  // --- Hashes -------------------------------------------------------------------------------------------------------
  on(
    'fresh',
    rule(
      'a hash of a store that was never compacted says so',
      call('Maintenance/HashKV', {}, gives(including({ compactRevision: -1 }))),
    ),
  ),
  rule('a hash of the keys tells the revision', puts('~a=1'), hashKv(0, hashed('r+1', '$hash'))),
  rule(
    'a hash is the same as long as nothing changes',
    puts('~a=1'),
    hashKv(0, hashed('r+1', '$hash')),
    hashKv(0, hashed('r+1', '$hash')),
  ),
  rule(
    'a hash at the present revision is the hash',
    puts('~a=1'),
    hashKv(0, hashed('r+1', '$hash')),
    hashKv('r+1', hashed('r+1', '$hash')),
  ),
  rule(
    'a hash of the past stays what it was',
    puts('~a=1'),
    hashKv(0, hashed('r+1', '$hash')),
    puts('~a=2', '~b=1'),
    hashKv('r+1', hashed('r+3', '$hash', 'r+1')),
  ),
  rule(
    'a hash at the very revision of a compaction is told',
    puts('~a=1', '~a=2'),
    compact({ revision: 'r+2' }),
    hashKv('r+2', since('3.5.10', gives(including({ hash: anything })), { before: COMPACTED })),
  ),
  ...[-1, INT64_MIN].map((revision) =>
    rule(
      `a hash at revision ${revision}`,
      puts('~a=1'),
      hashKv(0, hashed('r+1', '$present', 'r+1')),
      hashKv(
        revision,
        onPurpose('a-hash-at-a-negative-revision', {
          etcd: hashed('r+1', '$ofNothing', revision),
          conclave: hashed('r+1', '$present', 'r+1'),
        }),
      ),
    ),
  ),
  rule('a hash at a revision to come is refused', hashKv('r+1', FUTURE)),
  rule('a hash at the largest revision is refused', hashKv(INT64_MAX, FUTURE)),
  rule(
    'a hash before a compaction is refused',
    puts('~a=1', '~a=2'),
    compact({ revision: 'r+2', physical: true }),
    hashKv('r+1', COMPACTED),
  ),
  rule(
    'a hash tells what was compacted',
    puts('~a=1', '~a=2'),
    compact({ revision: 'r+2', physical: true }),
    hashKv(
      0,
      since('3.6', at('r+2', { hash: anything, compactRevision: 'r+2', hashRevision: 'r+2' }), {
        before: at('r+2', { hash: anything, compactRevision: 'r+2' }),
      }),
    ),
  ),
  rule(
    'a hash of the whole engine tells the revision',
    puts('~a=1'),
    call('Maintenance/Hash', {}, at('r+1', { hash: anything })),
  ),

  // --- Housekeeping -------------------------------------------------------------------------------------------------
  rule(
    'defragmentation answers without a header, and changes nothing',
    puts('~a=1'),
    call('Maintenance/Defragment', {}, bare()),
    range({ key: '~a', countOnly: true }, at('r+1', { count: 1 })),
  ),
  rule(
    'a snapshot comes in pieces, and tells what is left',
    stream('Maintenance/Snapshot').open(),
    stream('Maintenance/Snapshot').receive(
      onPurpose('snapshots-tell-their-revision', {
        etcd: bare(including({ blob: anything })),
        conclave: gives(including({ blob: anything })),
      }),
    ),
  ),
  where(
    'one',
    rule(
      'the lead is not handed to a member that is not there',
      call('Maintenance/MoveLeader', { targetID: 1 }, BAD_TRANSFEREE),
    ),
    rule('the lead is not handed to nobody', call('Maintenance/MoveLeader', {}, BAD_TRANSFEREE)),
  ),
  introduced(
    '3.5',
    rule(
      'a downgrade needs a version',
      call('Maintenance/Downgrade', { action: 'VALIDATE', version: 'nonsense' }, WRONG_FORMAT),
    ),
    rule(
      'a downgrade that does not run is not cancelled',
      call('Maintenance/Downgrade', { action: 'CANCEL' }, gives(including({ version: like(/^3\.\d+/) }))),
    ),
    rule(
      'an action that does not exist',
      call('Maintenance/Downgrade', { action: 9, version: '3.5.0' }, fails('UNKNOWN', 'etcdserver: unknown method')),
    ),
  ),

  // --- Alarms -------------------------------------------------------------------------------------------------------
  rule('there are no alarms', call('Maintenance/Alarm', {}, since('3.5', at('r', {}), { before: bare() }))),
  rule('there are no alarms of one kind', call('Maintenance/Alarm', { alarm: 'NOSPACE' }, alarmed())),
  on(
    'quota',
    rule('an alarm that is not raised is put off without an answer', alarm('DEACTIVATE', 'NOSPACE', alarmed())),
    rule(
      'an alarm that is raised is listed, and put off',
      alarm('ACTIVATE', 'NOSPACE', alarmed('NOSPACE')),
      alarms('NOSPACE'),
      alarm('DEACTIVATE', 'NOSPACE', alarmed('NOSPACE')),
      alarms(),
    ),
    rule(
      'an alarm may be raised twice',
      during('NOSPACE', alarm('ACTIVATE', 'NOSPACE', alarmed('NOSPACE')), alarms('NOSPACE')),
      alarms(),
    ),
    rule(
      'alarms are listed by kind',
      during(
        'NOSPACE',
        call('Maintenance/Alarm', { alarm: 'NOSPACE' }, alarmed('NOSPACE')),
        call('Maintenance/Alarm', { alarm: 'CORRUPT' }, alarmed()),
      ),
    ),
    rule(
      'alarms are listed whosever they are',
      during('NOSPACE', call('Maintenance/Alarm', { memberID: 78 }, alarmed('NOSPACE'))),
    ),
    rule(
      'an alarm of another member is not put off',
      during('NOSPACE', alarm('DEACTIVATE', 'NOSPACE', alarmed(), 78), alarms('NOSPACE')),
    ),
    rule(
      'an alarm of no member is one like others, and is not that of all',
      during('NOSPACE', alarm('DEACTIVATE', 'NOSPACE', alarmed(), 0), alarms('NOSPACE')),
    ),
    rule(
      'an alarm of no kind',
      alarm('ACTIVATE', 'NONE', OF_NO_KIND),
      call('Maintenance/Alarm', {}, OF_NO_KIND),
      alarm('DEACTIVATE', 'NONE', OF_NO_KIND),
    ),
    rule(
      'one alarm is put off by itself',
      during('NOSPACE', alarm('ACTIVATE', 'CORRUPT'), alarm('DEACTIVATE', 'CORRUPT'), alarms('NOSPACE')),
    ),
    REFUSED_WITHOUT_SPACE.map(([name, step]) => rule(`without space, refused: ${name}`, during('NOSPACE', step))),
    TAKEN_WITHOUT_SPACE.map(([name, steps]) =>
      rule(
        `without space, taken: ${name}`,
        puts('~k=1'),
        leaseGrant({ TTL: 600, ID: '$held' }),
        during('NOSPACE', ...steps),
      ),
    ),
    REFUSED_WHEN_CORRUPT.map(([name, step]) => rule(`corrupt, refused: ${name}`, during('CORRUPT', step))),
    TAKEN_WHEN_CORRUPT.map(([name, step]) =>
      rule(`corrupt, taken: ${name}`, puts('~k=1'), leaseGrant({ TTL: 600, ID: '$held' }), during('CORRUPT', step)),
    ),
    where(
      'one',
      rule(
        'a store that is full raises the alarm by itself',
        FILLED,
        call('Maintenance/Alarm', {}, since('3.5', gives(FULL), { before: bare(FULL) })),
        EMPTIED,
        put({ key: '~a' }, onPurpose('an-alarm-for-space-clears-by-itself', { etcd: NO_SPACE, conclave: gives({}) })),
        alarm('DEACTIVATE', 'NOSPACE', undefined, '$full'),
        put({ key: '~a' }, gives({})),
      ),
    ),
    // Each of several members raises one of its own, and puts it off as soon as it has room.
    where(
      'several',
      rule(
        'stores that are full raise the alarm by themselves',
        FILLED,
        call('Maintenance/Alarm', {}, gives({ alarms: anything })),
        EMPTIED,
        eventually(put({ key: '~a' }, gives({}))),
        eventually(alarms()),
      ),
    ),
  ),
);

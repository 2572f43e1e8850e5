import {
  answers,
  anything,
  at,
  call,
  compact,
  deleteRange,
  fails,
  gives,
  http,
  including,
  leaseGrant,
  leaseRevoke,
  leaseTimeToLive,
  like,
  on,
  onPurpose,
  op,
  put,
  range,
  rule,
  stream,
  topic,
  txn,
  waiting,
} from '../notation.js';
import type { Expected, Failure, Outcome } from '../rule.js';
import { NO_LEADER, TIMED_OUT, UNHEALTHY } from './wire-errors.js';

const watch = stream('Watch/Watch');
const watchOfLeader = stream('Watch/Watch', 'Watch/Watch with a leader');
const kept = stream('Lease/LeaseKeepAlive');
const WANTS_LEADER = { hasleader: 'true' };
/** What etcd says when its time for a request has passed, we say at once. */
const atOnce = (etcd: Failure): Expected<Outcome> =>
  onPurpose('no-leader-is-said-at-once', { etcd, conclave: NO_LEADER });
const NOT_READ = atOnce(TIMED_OUT);
/** A write that nobody could be asked to make. */
const NOT_MADE = atOnce(fails('DEADLINE_EXCEEDED', 'context deadline exceeded'));

/** What a member answers that has lost the others: known of a real etcd, three members of which two were killed. */
export const minority = topic(
  'Minority',
  on(
    'minority',
    rule('a range of the member alone is answered', range({ key: '~a', serializable: true }, gives({}))),
    rule(
      'a transaction of such ranges is answered',
      txn({ success: [op.range({ key: '~a', serializable: true })] }, gives({ succeeded: true, responses: anything })),
    ),
    rule(
      'a count of the member alone is answered',
      range({ key: '~a', serializable: true, countOnly: true }, gives({})),
    ),
    rule('what is wrong by itself is told', range({}, fails('INVALID_ARGUMENT', 'etcdserver: key is not provided'))),
    rule(
      'the status tells that there is no leader',
      call('Maintenance/Status', {}, gives(including({ errors: 'etcdserver: no leader' }))),
    ),
    rule('the members are told as the member knows them', call('Cluster/MemberList', {}, at(0, { members: anything }))),
    rule(
      '/health tells that it is not well',
      http('GET /health', undefined, answers(503, { health: 'false', reason: 'RAFT NO LEADER' })),
    ),
    rule('/livez tells that the member lives', http('GET /livez', undefined, answers(200, 'ok\n'))),
    rule(
      '/metrics tells that there is no leader',
      http('GET /metrics', undefined, answers(200, like(/^etcd_server_has_leader 0$/m))),
    ),
    rule('/version is told', http('GET /version', undefined, answers(200))),
    rule('a watch is created', watch.send({ createRequest: { key: '~a' } }), watch.receive(gives({ created: true }))),
    rule(
      'a watch that wants a leader is refused',
      watchOfLeader.open({}, WANTS_LEADER),
      watchOfLeader.receive(NO_LEADER),
    ),
    [
      range({ key: '~a' }, NO_LEADER, WANTS_LEADER),
      range({ key: '~a', serializable: true }, NO_LEADER, WANTS_LEADER),
      put({ key: '~a' }, NO_LEADER, WANTS_LEADER),
      leaseGrant({ TTL: 60 }, NO_LEADER, WANTS_LEADER),
      call('Maintenance/Status', {}, NO_LEADER, WANTS_LEADER),
    ].map((of) =>
      rule(
        `who wants a leader is told at once that there is none: ${of.method} ${Object.keys(of.request).join(' ')}`,
        of,
      ),
    ),
    [
      range({ key: '~a' }, NOT_READ),
      txn({ failure: [op.range({ key: '~a' })] }, NOT_READ),
      put({ key: '~a' }, NOT_MADE),
      deleteRange({ key: '~a' }, NOT_MADE),
      txn({ success: [op.put({ key: '~a' })] }, NOT_MADE),
      compact({ revision: 1 }, NOT_MADE),
      leaseGrant({ TTL: 60 }, NOT_MADE),
      leaseRevoke({ ID: 1 }, NOT_MADE),
      leaseTimeToLive({ ID: 1 }, NO_LEADER),
      call('Cluster/MemberList', { linearizable: true }, NOT_READ),
      call('Cluster/MemberAdd', { peerURLs: ['http://127.0.0.1:1'] }, atOnce(UNHEALTHY)),
      call('Auth/UserAdd', { name: 'a', password: 'p' }, NOT_MADE),
    ].map((of) =>
      waiting(rule(`${of.method} is not answered without the others: ${Object.keys(of.request).join(' ')}`, of)),
    ),
    waiting(rule('a lease is not kept alive without the others', kept.send({ ID: 1 }), kept.receive(NO_LEADER))),
  ),
);

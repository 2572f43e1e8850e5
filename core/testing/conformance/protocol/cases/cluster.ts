import { anything, at, call, eventually, fails, named, on, rule, topic, where } from '../notation.js';
import type { Fields, Outcome } from '../rule.js';
import {
  BAD_MEMBER_URLS,
  BAD_TRANSFEREE,
  LEARNER_BEHIND,
  MEMBER_NOT_FOUND,
  NOT_A_LEARNER,
  PEER_URL_EXISTS,
  TOO_MANY_LEARNERS,
} from './wire-errors.js';

const NO_IDS = [0, 1, 99];
/** Lists of addresses that are none. */
const BAD_URLS: readonly [string, readonly string[]][] = [
  ['none', []],
  ['an empty one', ['']],
  ['no scheme', ['127.0.0.1:2380']],
  ['another scheme', ['ftp://127.0.0.1:2380']],
  ['no port', ['http://127.0.0.1']],
  ['a path', ['http://127.0.0.1:2380/path']],
  ['a bad one beside a good one', ['http://127.0.0.1:2380', 'nonsense']],
];

const member = (ID: unknown = anything): Fields => ({ ID, name: anything, peerURLs: anything, clientURLs: anything });
const list = (request: Fields, ...members: readonly Fields[]) =>
  call('Cluster/MemberList', request, at(0, { members }));
const OWN_ID = list({}, member('$self'));

/** Nobody listens there. etcd takes no address twice in a second: a member's id would be one that was removed. */
const urlAt = (port: number) => `http://127.0.0.1:${port}`;
const added = (port: number, ID = '$learner') =>
  call(
    'Cluster/MemberAdd',
    { peerURLs: [urlAt(port)], isLearner: true },
    at(0, { member: { ID, peerURLs: [urlAt(port)], isLearner: true }, members: anything }),
  );
const REMOVED = call('Cluster/MemberRemove', { ID: '$learner' }, at(0, { members: anything }));

/** A member that is not there is told before what else is wrong. */
const notThere = (): Outcome => MEMBER_NOT_FOUND;

export const cluster = topic(
  'Cluster',
  on(
    'members',
    where(
      'one',
      rule('the members are listed, without a revision', list({}, member())),
      rule('the members are listed as a majority knows them', list({ linearizable: true }, member())),
    ),
    where(
      'several',
      rule('all members are listed, without a revision', list({}, member(), member(), member())),
      rule(
        'all members are listed as a majority knows them',
        list({ linearizable: true }, member(), member(), member()),
      ),
    ),
    NO_IDS.flatMap((ID) => [
      rule(`a member that is not there is not removed: ${ID}`, call('Cluster/MemberRemove', { ID }, notThere())),
      rule(
        `a member that is not there is not told other addresses: ${ID}`,
        call('Cluster/MemberUpdate', { ID, peerURLs: ['http://127.0.0.1:23999'] }, notThere()),
      ),
      rule(`a member that is not there is not promoted: ${ID}`, call('Cluster/MemberPromote', { ID }, notThere())),
    ]),
    BAD_URLS.flatMap(([name, peerURLs]) => [
      rule(`a member is not added at ${name}`, call('Cluster/MemberAdd', { peerURLs }, BAD_MEMBER_URLS)),
      rule(
        `a learner is not added at ${name}`,
        call('Cluster/MemberAdd', { peerURLs, isLearner: true }, BAD_MEMBER_URLS),
      ),
      rule(
        `a member that is not there is told before its addresses: ${name}`,
        call('Cluster/MemberUpdate', { ID: 1, peerURLs }, notThere()),
      ),
    ]),
    rule(
      'a learner that is added has no name, no addresses for clients and no vote',
      added(1),
      call('Cluster/MemberList', {}, at(0, { members: anything })),
      REMOVED,
    ),
    rule(
      'a learner that never began is not promoted',
      added(2),
      call('Cluster/MemberPromote', { ID: '$learner' }, LEARNER_BEHIND),
      REMOVED,
    ),
    rule(
      'one learner is the most',
      added(3),
      call('Cluster/MemberAdd', { peerURLs: [urlAt(23)], isLearner: true }, TOO_MANY_LEARNERS),
      REMOVED,
    ),
    rule(
      'two members do not have one address',
      added(4),
      call('Cluster/MemberAdd', { peerURLs: [urlAt(4), urlAt(24)], isLearner: true }, PEER_URL_EXISTS),
      REMOVED,
    ),
    rule(
      'the address of a member that was removed is free again',
      added(5),
      REMOVED,
      eventually(added(5, '$again')),
      call('Cluster/MemberRemove', { ID: '$again' }, at(0, { members: anything })),
    ),
    rule(
      'a member that was removed is not there',
      added(6),
      REMOVED,
      call('Cluster/MemberRemove', { ID: '$learner' }, MEMBER_NOT_FOUND),
      call('Cluster/MemberUpdate', { ID: '$learner', peerURLs: [urlAt(20)] }, MEMBER_NOT_FOUND),
    ),
    rule(
      'a learner is told another address',
      added(7),
      call('Cluster/MemberUpdate', { ID: '$learner', peerURLs: [urlAt(21), urlAt(22)] }, at(0, { members: anything })),
      REMOVED,
    ),
    where(
      'one',
      rule(
        'the lead is not handed to a learner',
        added(9),
        call('Maintenance/MoveLeader', { targetID: '$learner' }, BAD_TRANSFEREE),
        REMOVED,
      ),
      rule(
        'the only member keeps its address',
        call(
          'Cluster/MemberList',
          {},
          at(0, { members: [{ ID: '$self', name: anything, peerURLs: [named('peer')], clientURLs: anything }] }),
        ),
        call('Cluster/MemberAdd', { peerURLs: ['{@peer}', urlAt(25)], isLearner: true }, PEER_URL_EXISTS),
        call('Cluster/MemberUpdate', { ID: '$self', peerURLs: ['{@peer}'] }, at(0, { members: anything })),
      ),
      rule('a voter is not promoted', OWN_ID, call('Cluster/MemberPromote', { ID: '$self' }, NOT_A_LEARNER)),
      rule(
        'the last member is not removed',
        OWN_ID,
        call(
          'Cluster/MemberRemove',
          { ID: '$self' },
          fails('UNKNOWN', 'etcdserver: re-configuration failed due to not enough started members'),
        ),
      ),
    ),
  ),
);

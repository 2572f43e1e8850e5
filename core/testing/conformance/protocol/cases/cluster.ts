import { anything, at, call, fails, like, on, onPurpose, rule, since, topic, where } from '../notation.js';
import type { Fields } from '../rule.js';
import { BAD_MEMBER_URLS, MEMBER_NOT_FOUND, NOT_A_LEARNER, PEER_URL_EXISTS } from './wire-errors.js';

const list = (more: Fields = {}) =>
  call(
    'Cluster/MemberList',
    {},
    at(0, { members: [{ ID: '$self', name: anything, peerURLs: ['{@peer}'], clientURLs: anything }], ...more }),
  );
void [fails, like, onPurpose, since, list];

const NO_ID = [0, 1, 99];
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

export const cluster = topic(
  'Cluster',
  where(
    'one',
    rule(
      'the members are listed, without a revision',
      call(
        'Cluster/MemberList',
        {},
        at(0, { members: [{ ID: anything, name: anything, peerURLs: anything, clientURLs: anything }] }),
      ),
    ),
    rule(
      'the members are listed from the state of one too',
      call(
        'Cluster/MemberList',
        { linearizable: true },
        at(0, { members: [{ ID: anything, name: anything, peerURLs: anything, clientURLs: anything }] }),
      ),
    ),
  ),
  where(
    'several',
    rule(
      'the members are listed by their ids, without a revision',
      call(
        'Cluster/MemberList',
        { linearizable: true },
        at(0, {
          members: [1, 2, 3].map(() => ({ ID: anything, name: anything, peerURLs: anything, clientURLs: anything })),
        }),
      ),
    ),
  ),
  NO_ID.flatMap((ID) => [
    rule(`a member that is not there is not removed: ${ID}`, call('Cluster/MemberRemove', { ID }, MEMBER_NOT_FOUND)),
    rule(
      `a member that is not there is not told other addresses: ${ID}`,
      call('Cluster/MemberUpdate', { ID, peerURLs: ['http://127.0.0.1:23999'] }, MEMBER_NOT_FOUND),
    ),
    rule(`a member that is not there is not promoted: ${ID}`, call('Cluster/MemberPromote', { ID }, MEMBER_NOT_FOUND)),
  ]),
  BAD_URLS.flatMap(([name, peerURLs]) => [
    rule(`a member is not added at ${name}`, call('Cluster/MemberAdd', { peerURLs }, BAD_MEMBER_URLS)),
    rule(
      `a learner is not added at ${name}`,
      call('Cluster/MemberAdd', { peerURLs, isLearner: true }, BAD_MEMBER_URLS),
    ),
    rule(
      `a member that is not there is told before its addresses: ${name}`,
      call('Cluster/MemberUpdate', { ID: 1, peerURLs }, MEMBER_NOT_FOUND),
    ),
  ]),
  where(
    'one',
    rule(
      'a voter is not promoted',
      call(
        'Cluster/MemberList',
        {},
        at(0, { members: [{ ID: '$self', name: anything, peerURLs: anything, clientURLs: anything }] }),
      ),
      call('Cluster/MemberPromote', { ID: '$self' }, NOT_A_LEARNER),
    ),
    rule(
      'the last member is not removed',
      call(
        'Cluster/MemberList',
        {},
        at(0, { members: [{ ID: '$self', name: anything, peerURLs: anything, clientURLs: anything }] }),
      ),
      call(
        'Cluster/MemberRemove',
        { ID: '$self' },
        fails('UNKNOWN', 'etcdserver: re-configuration failed due to not enough started members'),
      ),
    ),
  ),
  on('fresh'),
);
void PEER_URL_EXISTS;

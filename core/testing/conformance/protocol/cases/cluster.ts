import { anything, at, call, fails, on, onPurpose, rule, since, topic, where } from '../notation.js';
import type { Fields, Outcome } from '../rule.js';
import { BAD_MEMBER_URLS, MEMBER_NOT_FOUND, NOT_A_LEARNER, NOT_LEADER } from './wire-errors.js';

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
    where(
      'one',
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
void [since, onPurpose, NOT_LEADER];

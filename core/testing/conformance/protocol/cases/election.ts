import {
  ALL,
  anything,
  at,
  begin,
  call,
  fails,
  finish,
  gives,
  kv,
  leaseGrant,
  leaseRevoke,
  onPurpose,
  range,
  rule,
  stream,
  topic,
} from '../notation.js';
import type { Expected, Fields, Int, Outcome } from '../rule.js';

const GRANTED = leaseGrant({ TTL: 600, ID: '$one' });
const TWO = [GRANTED, leaseGrant({ TTL: 600, ID: '$two' })];
const campaign = (value: string, lease: Int, expects?: Expected<Outcome>) =>
  call('Election/Campaign', { name: '~e', lease, value }, expects);
const leads = (lease: '$one' | '$two', rev: Int) => ({ name: '~e', key: `~e/{${lease}}`, rev, lease });
const proclaim = (leader: Fields, value: string, expects?: Expected<Outcome>) =>
  call('Election/Proclaim', { leader, value }, expects);
const resign = (leader: Fields, expects?: Expected<Outcome>) => call('Election/Resign', { leader }, expects);
const leader = (expects?: Expected<Outcome>) => call('Election/Leader', { name: '~e' }, expects);
const observed = stream('Election/Observe');

const NO_LEADER_GIVEN = fails('UNKNOWN', '"leader" field must be provided');
const NOBODY = fails('UNKNOWN', 'election: no leader');
const NOT_LEADING = fails('UNKNOWN', 'election: not leader');
const ELECTED = [GRANTED, campaign('v', '$one')];

export const elections = topic(
  'Election',
  rule('who campaigns alone leads', GRANTED, campaign('v', '$one', at('r+1', { leader: leads('$one', 'r+1') }))),
  rule(
    'who leads has a key with what it proclaims, bound to its lease',
    ELECTED,
    range({ ...ALL }, at('r+1', { kvs: [kv('~e/{$one}', 'v', 'r+1', { lease: '$one' })], count: 1 })),
  ),
  rule(
    'who leads and campaigns again leads',
    ELECTED,
    campaign('v', '$one', at('r+1', { leader: leads('$one', 'r+1') })),
  ),
  rule(
    'who leads and campaigns with something else proclaims it',
    ELECTED,
    campaign('w', '$one', gives({ leader: leads('$one', 'r+1') })),
    range({ ...ALL }, at('r+2', { kvs: [kv('~e/{$one}', 'w', ['r+1', 'r+2', 2], { lease: '$one' })], count: 1 })),
  ),
  rule(
    'who campaigns without a lease is given one',
    call(
      'Election/Campaign',
      { name: '~e', value: 'v' },
      at('r+1', { leader: { name: '~e', key: anything, rev: 'r+1', lease: '$given' } }),
    ),
    call('Lease/LeaseTimeToLive', { ID: '$given' }, gives({ ID: '$given', TTL: anything, grantedTTL: 60 })),
  ),
  rule(
    'a campaign with a lease that is not there is refused',
    campaign('v', 77, fails('UNKNOWN', 'etcdserver: requested lease not found')),
  ),
  rule('a campaign may be for nothing', GRANTED, campaign('', '$one', at('r+1', { leader: leads('$one', 'r+1') }))),

  // --- Who leads ----------------------------------------------------------------------------------------------------
  rule('there is no leader before somebody campaigned', leader(NOBODY)),
  rule(
    'the leader is told with its key',
    ELECTED,
    leader(at('r+1', { kv: kv('~e/{$one}', 'v', 'r+1', { lease: '$one' }) })),
  ),
  rule('there is no leader once it has resigned', ELECTED, resign(leads('$one', 'r+1')), leader(NOBODY)),
  rule('there is no leader once its lease has ended', ELECTED, leaseRevoke({ ID: '$one' }), leader(NOBODY)),
  rule(
    'who campaigned first leads',
    TWO,
    campaign('v', '$one'),
    begin('second', campaign('w', '$two')),
    untilThereAre(2),
    leader(gives({ kv: kv('~e/{$one}', 'v', 'r+1', { lease: '$one' }) })),
    resign(leads('$one', 'r+1')),
    finish('second', gives({ leader: leads('$two', 'r+2') })),
    leader(gives({ kv: kv('~e/{$two}', 'w', 'r+2', { lease: '$two' }) })),
  ),
  rule(
    'who campaigned second leads when the lease of the first ends',
    TWO,
    campaign('v', '$one'),
    begin('second', campaign('w', '$two')),
    untilThereAre(2),
    leaseRevoke({ ID: '$one' }),
    finish('second', gives({ leader: leads('$two', 'r+2') })),
  ),
  rule(
    'who campaigned, and whose lease has ended, does not lead when its turn comes',
    TWO,
    campaign('v', '$one'),
    begin('second', campaign('w', '$two')),
    untilThereAre(2),
    leaseRevoke({ ID: '$two' }),
    resign(leads('$one', 'r+1')),
    finish(
      'second',
      onPurpose('a-campaign-ends-with-its-lease', {
        etcd: gives({ leader: leads('$two', 'r+2') }),
        conclave: NOT_LEADING,
      }),
    ),
  ),

  // --- Proclaiming --------------------------------------------------------------------------------------------------
  rule(
    'who leads proclaims something else',
    ELECTED,
    proclaim(leads('$one', 'r+1'), 'w', at('r+2')),
    leader(at('r+2', { kv: kv('~e/{$one}', 'w', ['r+1', 'r+2', 2], { lease: '$one' }) })),
  ),
  rule(
    'who proclaims without a lease',
    ELECTED,
    proclaim({ ...leads('$one', 'r+1'), lease: 0 }, 'w', at('r+2')),
    range(
      { ...ALL },
      at('r+2', {
        kvs: [kv('~e/{$one}', 'w', ['r+1', 'r+2', 2], { lease: '$kept' })],
        count: 1,
      }),
    ),
    leaseRevoke({ ID: '$one' }),
    range(
      { ...ALL, countOnly: true },
      onPurpose('a-proclamation-keeps-its-lease', { etcd: at('r+2', { count: 1 }), conclave: at('r+3') }),
    ),
  ),
  rule(
    'who proclaims with another lease moves the key to it',
    TWO,
    campaign('v', '$one'),
    proclaim({ ...leads('$one', 'r+1'), lease: '$two' }, 'w', at('r+2')),
    range({ ...ALL }, at('r+2', { kvs: [kv('~e/{$one}', 'w', ['r+1', 'r+2', 2], { lease: '$two' })], count: 1 })),
  ),
  rule(
    'who proclaims with a lease that is not there is refused',
    ELECTED,
    proclaim({ ...leads('$one', 'r+1'), lease: 77 }, 'w', fails('UNKNOWN', 'etcdserver: requested lease not found')),
  ),
  rule(
    'who proclaims nothing proclaims the empty value',
    ELECTED,
    proclaim(leads('$one', 'r+1'), '', at('r+2')),
    leader(at('r+2', { kv: kv('~e/{$one}', '', ['r+1', 'r+2', 2], { lease: '$one' }) })),
  ),
  rule(
    'a leader without a key proclaims nothing',
    ELECTED,
    proclaim({ name: '~e', rev: 'r+1', lease: '$one' }, 'w', fails('UNKNOWN', 'etcdserver: key is not provided')),
    resign({ name: '~e', rev: 'r+1', lease: '$one' }, fails('UNKNOWN', 'etcdserver: key is not provided')),
  ),
  rule(
    'the name of an election is no part of who leads it',
    ELECTED,
    proclaim({ ...leads('$one', 'r+1'), name: '~other' }, 'w', at('r+2')),
    leader(at('r+2', { kv: kv('~e/{$one}', 'w', ['r+1', 'r+2', 2], { lease: '$one' }) })),
  ),
  rule(
    'who waits is not told as the leader, and resigns all the same',
    TWO,
    campaign('v', '$one'),
    begin('second', campaign('w', '$two')),
    untilThereAre(2),
    resign(leads('$two', 'r+2'), at('r+3')),
    leader(gives({ kv: kv('~e/{$one}', 'v', 'r+1', { lease: '$one' }) })),
    resign(leads('$one', 'r+1'), at('r+4')),
    finish(
      'second',
      onPurpose('a-campaign-ends-with-its-lease', {
        etcd: gives({ leader: leads('$two', 'r+2') }),
        conclave: NOT_LEADING,
      }),
    ),
  ),
  rule('an election without a name is one below a slash', call('Election/Leader', {}, NOBODY)),
  rule(
    'an election whose name begins like another is another',
    ELECTED,
    call('Election/Leader', { name: '~' }, NOBODY),
    call('Election/Leader', { name: '~e/' }, NOBODY),
  ),
  rule('proclaiming needs to say who leads', call('Election/Proclaim', { value: 'w' }, NO_LEADER_GIVEN)),
  rule(
    'who has resigned proclaims nothing',
    ELECTED,
    resign(leads('$one', 'r+1')),
    proclaim(leads('$one', 'r+1'), 'w', NOT_LEADING),
  ),
  rule('who leads since another revision proclaims nothing', ELECTED, proclaim(leads('$one', 'r+5'), 'w', NOT_LEADING)),
  rule('who never led proclaims nothing', GRANTED, proclaim(leads('$one', 'r'), 'w', NOT_LEADING)),

  // --- Resigning ----------------------------------------------------------------------------------------------------
  rule('who resigns leaves nothing', ELECTED, resign(leads('$one', 'r+1'), at('r+2')), range({ ...ALL }, at('r+2'))),
  rule('resigning needs to say who leads', call('Election/Resign', {}, NO_LEADER_GIVEN)),
  rule(
    'who resigns twice changes nothing the second time',
    ELECTED,
    resign(leads('$one', 'r+1')),
    resign(leads('$one', 'r+1'), at('r+2')),
  ),
  rule(
    'who leads since another revision does not resign',
    ELECTED,
    resign(leads('$one', 'r+5'), at('r+1')),
    leader(gives({ kv: kv('~e/{$one}', 'v', 'r+1', { lease: '$one' }) })),
  ),

  // --- Observing ----------------------------------------------------------------------------------------------------
  rule(
    'who observes is told who leads',
    ELECTED,
    observed.open({ name: '~e' }),
    observed.receive(gives({ kv: kv('~e/{$one}', 'v', 'r+1', { lease: '$one' }) })),
  ),
  rule(
    'who observes is told what is proclaimed',
    ELECTED,
    observed.open({ name: '~e' }),
    observed.receive(gives({ kv: anything })),
    proclaim(leads('$one', 'r+1'), 'w'),
    observed.receive(gives({ kv: kv('~e/{$one}', 'w', ['r+1', 'r+2', 2], { lease: '$one' }) })),
  ),
  rule(
    'who observes is told of the next leader',
    TWO,
    campaign('v', '$one'),
    observed.open({ name: '~e' }),
    observed.receive(gives({ kv: anything })),
    begin('second', campaign('w', '$two')),
    untilThereAre(2),
    resign(leads('$one', 'r+1')),
    finish('second'),
    observed.receive(gives({ kv: kv('~e/{$two}', 'w', 'r+2', { lease: '$two' }) })),
  ),
  rule(
    'who observes before there is a leader waits for one',
    GRANTED,
    observed.open({ name: '~e' }),
    campaign('v', '$one'),
    observed.receive(gives({ kv: kv('~e/{$one}', 'v', 'r+1', { lease: '$one' }) })),
  ),
);

function untilThereAre(count: number) {
  return { do: 'eventually', call: range({ ...ALL, countOnly: true }, gives({ count })) } as const;
}

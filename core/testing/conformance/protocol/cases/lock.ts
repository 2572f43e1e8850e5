import {
  ALL,
  anything,
  at,
  begin,
  call,
  deleteRange,
  fails,
  finish,
  gives,
  kv,
  leaseGrant,
  leaseRevoke,
  put,
  puts,
  range,
  rule,
  since,
  topic,
} from '../notation.js';
import type { Expected, Fields, Outcome } from '../rule.js';

/** What the store refuses, the lock service hands on without the code. */
const unknown = (text: string) => fails('UNKNOWN', `etcdserver: ${text}`);
const GRANTED = leaseGrant({ TTL: 600, ID: '$one' });
const TWO = [GRANTED, leaseGrant({ TTL: 600, ID: '$two' })];
const lock = (request: Fields, expects?: Expected<Outcome>) => call('Lock/Lock', request, expects);
const unlock = (request: Fields, expects?: Expected<Outcome>) => call('Lock/Unlock', request, expects);
const held = (key: string, lease: string, revision: 'r+1' | 'r+2') => kv(key, '', revision, { lease });

export const locks = topic(
  'Lock',
  rule(
    'a lock is a key below its name: a slash, and the lease in hexadecimal',
    GRANTED,
    lock({ name: '~l', lease: '$one' }, at('r+1', { key: '~l/{$one}' })),
  ),
  rule(
    'a lock is an empty key bound to its lease',
    GRANTED,
    lock({ name: '~l', lease: '$one' }),
    range({ ...ALL }, at('r+1', { kvs: [held('~l/{$one}', '$one', 'r+1')], count: 1 })),
  ),
  rule(
    'a lease that has the lock is given it again',
    GRANTED,
    lock({ name: '~l', lease: '$one' }),
    lock({ name: '~l', lease: '$one' }, at('r+1', { key: '~l/{$one}' })),
  ),
  rule(
    'a lock without a lease is given one',
    lock({ name: '~l' }, at('r+1', { key: anything })),
    range(
      { ...ALL },
      at('r+1', {
        kvs: [{ key: anything, createRevision: 'r+1', modRevision: 'r+1', version: 1, lease: '$given' }],
        count: 1,
      }),
    ),
    call('Lease/LeaseTimeToLive', { ID: '$given' }, gives({ ID: '$given', TTL: anything, grantedTTL: 60 })),
  ),
  rule(
    'a lock with a lease that is not there is refused',
    lock({ name: '~l', lease: 77 }, unknown('requested lease not found')),
  ),
  rule(
    'a lock that is let go is gone',
    GRANTED,
    lock({ name: '~l', lease: '$one' }),
    unlock({ key: '~l/{$one}' }, at('r+2')),
    range({ ...ALL }, at('r+2')),
  ),
  rule('a lock that is not held is let go without a change', unlock({ key: '~l/none' }, at('r'))),
  rule('letting go needs a key', unlock({}, unknown('key is not provided'))),
  rule(
    'a lock without a name is a lock below a slash',
    GRANTED,
    lock({ lease: '$one' }, at('r+1', { key: '/{$one}' })),
    unlock({ key: '/{$one}' }, at('r+2')),
  ),
  rule(
    'who comes second waits until the first lets go',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    begin('second', lock({ name: '~l', lease: '$two' })),
    untilThereAre(2),
    unlock({ key: '~l/{$one}' }, at('r+3')),
    finish('second', gives({ key: '~l/{$two}' })),
    range({ ...ALL }, at('r+3', { kvs: [held('~l/{$two}', '$two', 'r+2')], count: 1 })),
  ),
  rule(
    'who comes second has the lock when the lease of the first ends',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    begin('second', lock({ name: '~l', lease: '$two' })),
    untilThereAre(2),
    leaseRevoke({ ID: '$one' }),
    finish('second', gives({ key: '~l/{$two}' })),
  ),
  rule(
    'who comes third does not pass the second',
    TWO,
    leaseGrant({ TTL: 600, ID: '$three' }),
    lock({ name: '~l', lease: '$one' }),
    begin('second', lock({ name: '~l', lease: '$two' })),
    untilThereAre(2),
    begin('third', lock({ name: '~l', lease: '$three' })),
    untilThereAre(3),
    unlock({ key: '~l/{$one}' }),
    finish('second', gives({ key: '~l/{$two}' })),
    range({ ...ALL, countOnly: true }, at('r+4', { count: 2 })),
    unlock({ key: '~l/{$two}' }),
    finish('third', gives({ key: '~l/{$three}' })),
  ),
  rule(
    'who waits when its lease ends has not got the lock',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    begin('second', lock({ name: '~l', lease: '$two' })),
    untilThereAre(2),
    leaseRevoke({ ID: '$two' }),
    unlock({ key: '~l/{$one}' }),
    finish(
      'second',
      since('3.5', fails('UNKNOWN', 'mutex: session is expired'), { before: gives({ key: '~l/{$two}' }) }),
    ),
  ),
  rule(
    'who waits and is let go does not hold anything',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    begin('second', lock({ name: '~l', lease: '$two' })),
    untilThereAre(2),
    unlock({ key: '~l/{$two}' }),
    unlock({ key: '~l/{$one}' }),
    finish(
      'second',
      since('3.5', fails('UNKNOWN', 'mutex: session is expired'), { before: gives({ key: '~l/{$two}' }) }),
    ),
  ),
  rule(
    'a lock that was let go and taken anew comes after those who wait',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    begin('second', lock({ name: '~l', lease: '$two' })),
    untilThereAre(2),
    unlock({ key: '~l/{$one}' }),
    finish('second', gives({ key: '~l/{$two}' })),
    begin('first', lock({ name: '~l', lease: '$one' })),
    untilThereAre(2),
    unlock({ key: '~l/{$two}' }),
    finish('first', gives({ key: '~l/{$one}' })),
  ),
  rule(
    'any key can be let go as a lock, by whoever may delete it',
    puts('~k=1'),
    unlock({ key: '~k' }, at('r+2')),
    range({ ...ALL }, at('r+2')),
  ),
  rule(
    'a lock and an election of one name stand in one line',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    begin('second', call('Election/Campaign', { name: '~l', lease: '$two', value: 'v' })),
    untilThereAre(2),
    unlock({ key: '~l/{$one}' }),
    finish('second', gives({ leader: { name: '~l', key: '~l/{$two}', rev: 'r+2', lease: '$two' } })),
  ),
  rule(
    'a lock of a lease that is negative writes it with its sign',
    leaseGrant({ TTL: 600, ID: -7 }),
    lock({ name: '~l', lease: -7 }, at('r+1', { key: '~l/-7' })),
    leaseRevoke({ ID: -7 }),
  ),
  rule(
    'a lock may have a name of any bytes',
    GRANTED,
    lock({ name: '~\xff\0', lease: '$one' }, at('r+1', { key: '~\xff\0/{$one}' })),
  ),
  rule(
    'locks of other names do not wait',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    lock({ name: '~m', lease: '$two' }, at('r+2', { key: '~m/{$two}' })),
  ),
  rule(
    'a name that begins like another is another',
    TWO,
    lock({ name: '~l', lease: '$one' }),
    lock({ name: '~ll', lease: '$two' }, at('r+2', { key: '~ll/{$two}' })),
  ),
  rule(
    'a key that somebody put below the name is waited for',
    GRANTED,
    put({ key: '~l/x' }),
    begin('lock', lock({ name: '~l', lease: '$one' })),
    untilThereAre(2),
    deleteRange({ key: '~l/x' }),
    finish('lock', gives({ key: '~l/{$one}' })),
  ),
);

function untilThereAre(count: number) {
  return { do: 'eventually', call: range({ ...ALL, countOnly: true }, gives({ count })) } as const;
}

import {
  ALL,
  anything,
  at,
  between,
  deleteRange,
  ENDED,
  eventually,
  gives,
  INT64_MAX,
  INT64_MIN,
  kv,
  leaseGrant,
  leaseLeases,
  leaseRevoke,
  leaseTimeToLive,
  on,
  op,
  positive,
  put,
  range,
  rule,
  stream,
  topic,
  txn,
  unordered,
  waiting,
  where,
  wasDeleted,
} from '../notation.js';
import type { Fields, Int, Step } from '../rule.js';
import { LEASE_EXISTS, LEASE_NOT_FOUND, TTL_TOO_LARGE } from './wire-errors.js';

const GRANTED = leaseGrant({ TTL: 600, ID: '$lease' });
const alive = stream('Lease/LeaseKeepAlive');
const keepAlive = (ID: Int) => alive.send({ ID });
const bound = (...keys: readonly string[]): Step[] => keys.map((key) => put({ key, value: '1', lease: '$lease' }));
const left = between(590, 600);
const told = (more: Fields = {}) => gives({ ID: '$lease', TTL: left, grantedTTL: 600, ...more });

/** What is asked for, and what is granted: two seconds at least. */
const TTLS: readonly [Int, Int][] = [
  [2, 2],
  [3, 3],
  [60, 60],
  [9_000_000_000, 9_000_000_000],
  [1, 2],
  [0, 2],
  [-1, 2],
  [-5, 2],
  [INT64_MIN, 2],
];

export const leases = topic(
  'Lease',
  // --- Granting -----------------------------------------------------------------------------------------------------
  rule(
    'a lease is granted with the id that is asked for',
    leaseGrant({ TTL: 600, ID: '$lease' }, at('r', { ID: '$lease', TTL: 600 })),
  ),
  rule('a lease without an id is given one', leaseGrant({ TTL: 600 }, at('r', { ID: positive, TTL: 600 }))),
  rule(
    'two leases without ids are given two',
    leaseGrant({ TTL: 600 }, at('r', { ID: '$one', TTL: 600 })),
    leaseGrant({ TTL: 600 }, at('r', { ID: '$two', TTL: 600 })),
    leaseRevoke({ ID: '$one' }, at('r')),
    leaseRevoke({ ID: '$two' }, at('r')),
  ),
  TTLS.map(([asked, granted]) =>
    rule(
      `a lease of ${String(asked as bigint)} s is granted for ${String(granted as bigint)} s`,
      leaseGrant({ TTL: asked, ID: '$lease' }, gives({ ID: '$lease', TTL: granted })),
    ),
  ),
  ...[9_000_000_001, INT64_MAX].map((TTL) =>
    rule(`a lease of ${TTL} s is too long`, leaseGrant({ TTL, ID: '$lease' }, TTL_TOO_LARGE)),
  ),
  ...[1, -1, -77, INT64_MAX, INT64_MIN].map((ID) =>
    rule(
      `a lease may have the id ${ID}`,
      leaseGrant({ TTL: 600, ID }, at('r', { ID, TTL: 600 })),
      leaseRevoke({ ID }, at('r')),
    ),
  ),
  rule('a lease that is there is not granted again', GRANTED, leaseGrant({ TTL: 700, ID: '$lease' }, LEASE_EXISTS)),
  rule(
    'a lease that could not be granted again goes on as it was',
    GRANTED,
    leaseGrant({ TTL: 700, ID: '$lease' }, LEASE_EXISTS),
    leaseTimeToLive({ ID: '$lease' }, told()),
  ),
  rule(
    'too long a lease is told before one that is there',
    GRANTED,
    leaseGrant({ TTL: INT64_MAX, ID: '$lease' }, TTL_TOO_LARGE),
  ),
  rule(
    'an id is free again after the lease was revoked',
    GRANTED,
    leaseRevoke({ ID: '$lease' }),
    leaseGrant({ TTL: 60, ID: '$lease' }, at('r', { ID: '$lease', TTL: 60 })),
  ),
  rule('granting is no change of the store', GRANTED, range({ ...ALL }, at('r'))),

  // --- Revoking -----------------------------------------------------------------------------------------------------
  rule('a lease without keys is revoked without a change', GRANTED, leaseRevoke({ ID: '$lease' }, at('r'))),
  rule(
    'a lease with a key is revoked with the key',
    GRANTED,
    bound('~a'),
    leaseRevoke({ ID: '$lease' }, at('r+2')),
    range({ ...ALL }, at('r+2')),
  ),
  rule(
    'a lease with keys is revoked in one revision',
    GRANTED,
    bound('~c', '~a', '~b'),
    leaseRevoke({ ID: '$lease' }, at('r+4')),
    range({ ...ALL }, at('r+4')),
    range({ ...ALL, revision: 'r+3', countOnly: true }, at('r+4', { count: 3 })),
  ),
  rule(
    'a lease is revoked without the keys that have left it',
    GRANTED,
    bound('~a', '~b', '~c'),
    put({ key: '~a', value: '2' }),
    leaseGrant({ TTL: 600, ID: '$other' }),
    put({ key: '~b', value: '2', lease: '$other' }),
    leaseRevoke({ ID: '$lease' }, at('r+6')),
    range(
      { ...ALL },
      at('r+6', {
        kvs: [kv('~a', '2', ['r+1', 'r+4', 2]), kv('~b', '2', ['r+2', 'r+5', 2], { lease: '$other' })],
        count: 2,
      }),
    ),
  ),
  ...[0, 1, -1, INT64_MAX].map((ID) =>
    rule(`a lease that is not there is not revoked: ${ID}`, leaseRevoke({ ID }, LEASE_NOT_FOUND)),
  ),
  rule(
    'a lease is not revoked twice',
    GRANTED,
    leaseRevoke({ ID: '$lease' }),
    leaseRevoke({ ID: '$lease' }, LEASE_NOT_FOUND),
  ),
  rule(
    'a lease that was revoked binds no key',
    GRANTED,
    leaseRevoke({ ID: '$lease' }),
    put({ key: '~a', lease: '$lease' }, LEASE_NOT_FOUND),
  ),
  rule(
    'a lease is revoked though its key was deleted',
    GRANTED,
    bound('~a'),
    deleteRange({ key: '~a' }),
    leaseRevoke({ ID: '$lease' }, at('r+2')),
  ),
  rule(
    'a key that was deleted and put anew without the lease stays',
    GRANTED,
    bound('~a'),
    deleteRange({ key: '~a' }),
    put({ key: '~a', value: '2' }),
    leaseRevoke({ ID: '$lease' }, at('r+3')),
    range({ key: '~a', countOnly: true }, at('r+3', { count: 1 })),
  ),

  // --- Time to live -------------------------------------------------------------------------------------------------
  rule('the time to live is told in whole seconds', GRANTED, leaseTimeToLive({ ID: '$lease' }, told())),
  rule(
    'the time to live tells the revision',
    GRANTED,
    bound('~a'),
    leaseTimeToLive({ ID: '$lease' }, at('r+1', { ID: '$lease', TTL: left, grantedTTL: 600 })),
  ),
  rule(
    'the keys are told if asked for',
    GRANTED,
    bound('~a'),
    leaseTimeToLive({ ID: '$lease', keys: true }, told({ keys: ['~a'] })),
  ),
  rule('the keys are not told if not asked for', GRANTED, bound('~a'), leaseTimeToLive({ ID: '$lease' }, told())),
  rule('no keys are told where there are none', GRANTED, leaseTimeToLive({ ID: '$lease', keys: true }, told())),
  rule(
    'all keys are told, each once',
    GRANTED,
    bound('~b', '~a', '~c', '~a'),
    leaseTimeToLive({ ID: '$lease', keys: true }, told({ keys: unordered('~a', '~b', '~c') })),
  ),
  rule(
    'keys that a transaction puts are told',
    GRANTED,
    txn({
      success: [op.put({ key: '~a', lease: '$lease' }), op.txn({ success: [op.put({ key: '~b', lease: '$lease' })] })],
    }),
    leaseTimeToLive({ ID: '$lease', keys: true }, told({ keys: unordered('~a', '~b') })),
  ),
  ...[1, -1, INT64_MAX].map((ID) =>
    rule(`the time to live of a lease that is not there is -1: ${ID}`, leaseTimeToLive({ ID }, gives({ ID, TTL: -1 }))),
  ),
  rule('the time to live of no lease is -1', leaseTimeToLive({}, gives({ TTL: -1 }))),
  rule(
    'the time to live of a lease that is not there has no keys',
    leaseTimeToLive({ ID: 1, keys: true }, gives({ ID: 1, TTL: -1 })),
  ),
  rule(
    'the time to live of a lease that was revoked is -1',
    GRANTED,
    leaseRevoke({ ID: '$lease' }),
    leaseTimeToLive({ ID: '$lease' }, gives({ ID: '$lease', TTL: -1 })),
  ),

  // --- Listing ------------------------------------------------------------------------------------------------------
  on(
    'fresh',
    rule('there are no leases in the beginning', leaseLeases({}, at('r'))),
    // Of several members only the leader knows when leases end.
    where(
      'one',
      rule(
        'leases are listed, the one that ends first before the others',
        leaseGrant({ TTL: 700, ID: '$late' }),
        leaseGrant({ TTL: 500, ID: '$early' }),
        leaseGrant({ TTL: 600, ID: '$middle' }),
        leaseLeases({}, at('r', { leases: [{ ID: '$early' }, { ID: '$middle' }, { ID: '$late' }] })),
      ),
    ),
    where(
      'several',
      Array.from({ length: 3 }, (_, member) =>
        rule(
          `a lease is listed by whichever member is asked: ${member + 1}`,
          GRANTED,
          leaseLeases({}, at('r', { leases: [{ ID: '$lease' }] })),
        ),
      ),
    ),
    rule('a lease that was revoked is not listed', GRANTED, leaseRevoke({ ID: '$lease' }), leaseLeases({}, at('r'))),
  ),

  // --- Keeping alive ------------------------------------------------------------------------------------------------
  rule(
    'a lease that is kept alive is told its whole time',
    GRANTED,
    keepAlive('$lease'),
    alive.receive(at('r', { ID: '$lease', TTL: 600 })),
  ),
  rule(
    'a lease is kept alive as often as it is asked for',
    GRANTED,
    [1, 2, 3].flatMap(() => [keepAlive('$lease'), alive.receive(at('r', { ID: '$lease', TTL: 600 }))]),
  ),
  rule(
    'a stream keeps several leases alive',
    GRANTED,
    leaseGrant({ TTL: 700, ID: '$other' }),
    keepAlive('$lease'),
    alive.receive(at('r', { ID: '$lease', TTL: 600 })),
    keepAlive('$other'),
    alive.receive(at('r', { ID: '$other', TTL: 700 })),
  ),
  ...[1, -1, INT64_MAX].map((ID) =>
    rule(
      `a lease that is not there is told no time, and the stream goes on: ${ID}`,
      GRANTED,
      keepAlive(ID),
      alive.receive(at('r', { ID })),
      keepAlive('$lease'),
      alive.receive(at('r', { ID: '$lease', TTL: 600 })),
    ),
  ),
  rule('no lease is told no time', alive.send({}), alive.receive(at('r'))),
  rule(
    'a lease that was revoked is told no time',
    GRANTED,
    leaseRevoke({ ID: '$lease' }),
    keepAlive('$lease'),
    alive.receive(at('r', { ID: '$lease' })),
  ),
  rule(
    'a stream that keeps alive ends well after its requests',
    GRANTED,
    keepAlive('$lease'),
    alive.receive(gives({ ID: '$lease', TTL: 600 })),
    alive.end(),
    alive.receive(ENDED),
  ),
  rule(
    'a stream that keeps alive for a client that wants a leader is served',
    GRANTED,
    alive.open({}, { hasleader: 'true' }),
    keepAlive('$lease'),
    alive.receive(gives({ ID: '$lease', TTL: 600 })),
  ),

  // --- Ends: these wait for the clock -------------------------------------------------------------------------------
  waiting(
    rule(
      'a lease ends with its keys',
      leaseGrant({ TTL: 4, ID: '$lease' }),
      stream('Watch/Watch').send({ createRequest: { ...ALL } }),
      stream('Watch/Watch').receive(gives({ created: true })),
      ['~b', '~a'].map((key) => put({ key, lease: '$lease' })),
      stream('Watch/Watch').events(
        { kv: anything },
        { kv: anything },
        wasDeleted('~a', '$end'),
        wasDeleted('~b', '$end'),
      ),
      eventually(leaseTimeToLive({ ID: '$lease' }, gives({ ID: '$lease', TTL: -1 }))),
      range({ ...ALL, countOnly: true }, gives({})),
    ),
  ),
  waiting(
    rule(
      'the time to live runs down',
      leaseGrant({ TTL: 600, ID: '$lease' }),
      eventually(leaseTimeToLive({ ID: '$lease' }, gives({ ID: '$lease', TTL: between(590, 598), grantedTTL: 600 }))),
      keepAlive('$lease'),
      alive.receive(gives({ ID: '$lease', TTL: 600 })),
      leaseTimeToLive({ ID: '$lease' }, gives({ ID: '$lease', TTL: between(590, 600), grantedTTL: 600 })),
    ),
  ),
  waiting(
    rule(
      'a lease that ended can be granted again',
      leaseGrant({ TTL: 1, ID: '$lease' }),
      eventually(leaseGrant({ TTL: 600, ID: '$lease' }, gives({ ID: '$lease', TTL: 600 }))),
    ),
  ),
  waiting(
    rule(
      'a lease that ended is told no time',
      leaseGrant({ TTL: 1, ID: '$lease' }),
      eventually(leaseTimeToLive({ ID: '$lease' }, gives({ ID: '$lease', TTL: -1 }))),
      keepAlive('$lease'),
      alive.receive(gives({ ID: '$lease' })),
      put({ key: '~a', lease: '$lease' }, LEASE_NOT_FOUND),
    ),
  ),
);

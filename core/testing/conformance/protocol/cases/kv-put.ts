import {
  ALL,
  anything,
  at,
  deleteRange,
  fails,
  gives,
  INT64_MAX,
  INT64_MIN,
  kv,
  leaseGrant,
  leaseTimeToLive,
  like,
  onPurpose,
  put,
  puts,
  range,
  rule,
  topic,
} from '../notation.js';
import { KEY_NOT_FOUND, LEASE_NOT_FOUND, LEASE_PROVIDED, NO_KEY, TOO_LARGE, VALUE_PROVIDED } from './wire-errors.js';

const NOTHING_DONE = range({ ...ALL }, at('r'));
const GRANTED = leaseGrant({ TTL: 600, ID: '$lease' });
const LEASED = [GRANTED, put({ key: '~a', value: '1', lease: '$lease' })];
const only = (pair: object) => ({ kvs: [pair], count: 1 });

export const kvPut = topic(
  'KV',
  // --- Keys and values ----------------------------------------------------------------------------------------------
  rule('a put without a key is refused', put({ value: '1' }, NO_KEY), NOTHING_DONE),
  rule('a put without anything is refused', put({}, NO_KEY), NOTHING_DONE),
  rule('a put makes the next revision', put({ key: '~a', value: '1' }, at('r+1')), put({ key: '~a' }, at('r+2'))),
  rule(
    'a put without a value puts the empty value',
    put({ key: '~a' }, at('r+1')),
    range({ key: '~a' }, at('r+1', only(kv('~a', '', 'r+1')))),
  ),
  rule(
    'a put of the same value is a change',
    puts('~a=1', '~a=1'),
    range({ key: '~a' }, at('r+2', only(kv('~a', '1', ['r+1', 'r+2', 2])))),
  ),
  ...['\0', '\xff', '\0\0\xff\xff', '\n', '\xe4', ' '].map((bytes) =>
    rule(
      `keys and values are bytes: ${JSON.stringify(bytes)}`,
      put({ key: `~${bytes}`, value: bytes }, at('r+1')),
      range({ key: `~${bytes}` }, at('r+1', only(kv(`~${bytes}`, bytes, 'r+1')))),
    ),
  ),
  rule(
    'a key of one zero byte is a key like others',
    put({ key: '\0', value: '1' }, at('r+1')),
    range({ key: '\0' }, at('r+1', only(kv('\0', '1', 'r+1')))),
    deleteRange({ key: '\0' }, at('r+2', { deleted: 1 })),
  ),
  rule(
    'a version counts puts, and begins anew after a deletion',
    puts('~a=1', '~a=2', '~a=3'),
    range({ key: '~a' }, at('r+3', only(kv('~a', '3', ['r+1', 'r+3', 3])))),
    deleteRange({ key: '~a' }),
    put({ key: '~a', value: '4' }),
    range({ key: '~a' }, at('r+5', only(kv('~a', '4', 'r+5')))),
  ),

  // --- The pair before ----------------------------------------------------------------------------------------------
  rule('there is no pair before the first put', put({ key: '~a', value: '1', prevKv: true }, at('r+1'))),
  rule(
    'the pair before is told if asked for',
    puts('~a=1', '~a=2'),
    put({ key: '~a', value: '3', prevKv: true }, at('r+3', { prevKv: kv('~a', '2', ['r+1', 'r+2', 2]) })),
  ),
  rule('the pair before is not told if not asked for', puts('~a=1'), put({ key: '~a', value: '3' }, at('r+2'))),
  rule(
    'there is no pair before a put after a deletion',
    puts('~a=1'),
    deleteRange({ key: '~a' }),
    put({ key: '~a', value: '2', prevKv: true }, at('r+3')),
  ),
  rule(
    'the pair before tells its lease',
    LEASED,
    put({ key: '~a', prevKv: true }, at('r+2', { prevKv: kv('~a', '1', 'r+1', { lease: '$lease' }) })),
  ),

  // --- Keeping the value --------------------------------------------------------------------------------------------
  rule(
    'a put that ignores the value keeps it',
    puts('~a=1'),
    put({ key: '~a', ignoreValue: true }, at('r+2')),
    range({ key: '~a' }, at('r+2', only(kv('~a', '1', ['r+1', 'r+2', 2])))),
  ),
  rule(
    'a put that ignores the value must have none',
    put({ key: '~a', value: '1', ignoreValue: true }, VALUE_PROVIDED),
  ),
  rule(
    'a put that ignores the value needs the key',
    put({ key: '~a', ignoreValue: true }, KEY_NOT_FOUND),
    NOTHING_DONE,
  ),
  rule(
    'a put that ignores the value needs the key, which a deletion took away',
    puts('~a=1'),
    deleteRange({ key: '~a' }),
    put({ key: '~a', ignoreValue: true }, KEY_NOT_FOUND),
    range({ ...ALL }, at('r+2')),
  ),
  rule(
    'a put that ignores the value gives the key a lease',
    puts('~a=1'),
    GRANTED,
    put({ key: '~a', ignoreValue: true, lease: '$lease' }),
    range({ key: '~a' }, at('r+2', only(kv('~a', '1', ['r+1', 'r+2', 2], { lease: '$lease' })))),
  ),
  rule(
    'a put that ignores the value takes the lease away',
    LEASED,
    put({ key: '~a', ignoreValue: true }),
    range({ key: '~a' }, at('r+2', only(kv('~a', '1', ['r+1', 'r+2', 2])))),
  ),
  rule(
    'a put that ignores the value tells the pair before',
    puts('~a=1'),
    put({ key: '~a', ignoreValue: true, prevKv: true }, at('r+2', { prevKv: kv('~a', '1', 'r+1') })),
  ),

  // --- Keeping the lease --------------------------------------------------------------------------------------------
  rule(
    'a put that ignores the lease keeps it',
    LEASED,
    put({ key: '~a', value: '2', ignoreLease: true }, at('r+2')),
    range({ key: '~a' }, at('r+2', only(kv('~a', '2', ['r+1', 'r+2', 2], { lease: '$lease' })))),
    leaseTimeToLive(
      { ID: '$lease', keys: true },
      gives({ ID: '$lease', TTL: anything, grantedTTL: 600, keys: ['~a'] }),
    ),
  ),
  rule(
    'a put that ignores the lease keeps none where there was none',
    puts('~a=1'),
    put({ key: '~a', value: '2', ignoreLease: true }),
    range({ key: '~a' }, at('r+2', only(kv('~a', '2', ['r+1', 'r+2', 2])))),
  ),
  rule(
    'a put that ignores the lease must have none',
    GRANTED,
    put({ key: '~a', lease: '$lease', ignoreLease: true }, LEASE_PROVIDED),
  ),
  rule(
    'a put that ignores the lease must have none, even one that does not exist',
    put({ key: '~a', lease: -7, ignoreLease: true }, LEASE_PROVIDED),
  ),
  rule(
    'a put that ignores the lease needs the key',
    put({ key: '~a', ignoreLease: true }, KEY_NOT_FOUND),
    NOTHING_DONE,
  ),
  rule(
    'a put that ignores both is a change all the same',
    LEASED,
    put({ key: '~a', ignoreValue: true, ignoreLease: true }, at('r+2')),
    range({ key: '~a' }, at('r+2', only(kv('~a', '1', ['r+1', 'r+2', 2], { lease: '$lease' })))),
  ),
  rule(
    'a put that ignores both needs the key',
    put({ key: '~a', ignoreValue: true, ignoreLease: true }, KEY_NOT_FOUND),
  ),

  // --- Leases -------------------------------------------------------------------------------------------------------
  rule(
    'a put with a lease binds the key',
    GRANTED,
    put({ key: '~a', value: '1', lease: '$lease' }, at('r+1')),
    range({ key: '~a' }, at('r+1', only(kv('~a', '1', 'r+1', { lease: '$lease' })))),
    leaseTimeToLive(
      { ID: '$lease', keys: true },
      gives({ ID: '$lease', TTL: anything, grantedTTL: 600, keys: ['~a'] }),
    ),
  ),
  rule(
    'a put without a lease sets the key free',
    LEASED,
    put({ key: '~a', value: '2' }),
    range({ key: '~a' }, at('r+2', only(kv('~a', '2', ['r+1', 'r+2', 2])))),
    leaseTimeToLive({ ID: '$lease', keys: true }, gives({ ID: '$lease', TTL: anything, grantedTTL: 600 })),
  ),
  rule(
    'a put with another lease moves the key',
    LEASED,
    leaseGrant({ TTL: 600, ID: '$other' }),
    put({ key: '~a', value: '2', lease: '$other' }),
    leaseTimeToLive({ ID: '$lease', keys: true }, gives({ ID: '$lease', TTL: anything, grantedTTL: 600 })),
    leaseTimeToLive(
      { ID: '$other', keys: true },
      gives({ ID: '$other', TTL: anything, grantedTTL: 600, keys: ['~a'] }),
    ),
  ),
  ...[1, -1, INT64_MAX, INT64_MIN].map((lease) =>
    rule(
      `a put with a lease that does not exist is refused: ${lease}`,
      put({ key: '~a', lease }, LEASE_NOT_FOUND),
      NOTHING_DONE,
    ),
  ),

  // --- Which refusal comes first ------------------------------------------------------------------------------------
  rule('no key is told before a value too many', put({ value: '1', ignoreValue: true }, NO_KEY)),
  rule('no key is told before a lease too many', put({ lease: 1, ignoreLease: true }, NO_KEY)),
  rule(
    'a value too many is told before a lease too many',
    put({ key: '~a', value: '1', ignoreValue: true, lease: 1, ignoreLease: true }, VALUE_PROVIDED),
  ),
  rule(
    'a lease too many is told before a key that is missing',
    put({ key: '~a', ignoreValue: true, lease: 1, ignoreLease: true }, LEASE_PROVIDED),
  ),
  rule(
    'a missing lease is told before a missing key',
    put({ key: '~a', ignoreValue: true, lease: 1 }, LEASE_NOT_FOUND),
  ),

  // --- Sizes --------------------------------------------------------------------------------------------------------
  rule('a put of 1.4 MiB is taken', put({ key: '~a', value: 'x'.repeat(1_468_006) }, at('r+1'))),
  rule('a put above 1.5 MiB is refused', put({ key: '~a', value: 'x'.repeat(1_572_865) }, TOO_LARGE), NOTHING_DONE),
  rule('a key counts as much as a value', put({ key: `~${'x'.repeat(1_572_865)}` }, TOO_LARGE), NOTHING_DONE),
  rule(
    'a message above 2 MiB is refused before it is read',
    put(
      { key: '~a', value: 'x'.repeat(2_100_000) },
      onPurpose('texts-of-the-carrier', {
        etcd: fails('RESOURCE_EXHAUSTED', like(/^grpc: received message larger than max \(21000\d\d vs\. 2097152\)$/)),
        conclave: fails('RESOURCE_EXHAUSTED', like(/^Received message larger than max \(21000\d\d vs 2097152\)$/)),
      }),
    ),
    NOTHING_DONE,
  ),
);

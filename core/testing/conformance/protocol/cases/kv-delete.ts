import {
  ALL,
  anything,
  at,
  deleteRange,
  gives,
  kv,
  leaseGrant,
  leaseTimeToLive,
  on,
  put,
  puts,
  range,
  rule,
  topic,
  txn,
  op,
} from '../notation.js';
import type { Fields } from '../rule.js';
import { NO_KEY } from './wire-errors.js';

const THREE = puts('~a=1', '~b=2', '~c=3');

const RANGES: readonly [string, Fields, deleted: number, left: number][] = [
  ['one key', { key: '~b' }, 1, 2],
  ['from a key to before another', { key: '~a', rangeEnd: '~c' }, 2, 1],
  ['a prefix', { ...ALL }, 3, 0],
  ['an end that is no key', { key: '~b', rangeEnd: '~x' }, 2, 1],
  ['a begin that is no key', { key: '~aa', rangeEnd: '~c' }, 1, 2],
  ['from a key on', { key: '~b', rangeEnd: '\0' }, 2, 1],
];

const NOTHING: readonly [string, Fields][] = [
  ['a key that is not there', { key: '~x' }],
  ['a key that others begin with', { key: '~' }],
  ['an end that is the key', { key: '~b', rangeEnd: '~b' }],
  ['an end before the key', { key: '~c', rangeEnd: '~a' }],
  ['a range behind all keys', { key: '~x', rangeEnd: '^' }],
];

export const kvDelete = topic(
  'KV',
  rule('a deletion without a key is refused', deleteRange({}, NO_KEY)),
  rule('a deletion with an end and no key is refused', deleteRange({ rangeEnd: '~b' }, NO_KEY)),
  RANGES.map(([name, request, deleted, left]) =>
    rule(
      `a deletion takes ${name}`,
      THREE,
      deleteRange(request, at('r+4', { deleted })),
      range({ ...ALL, countOnly: true }, at('r+4', left === 0 ? {} : { count: left })),
    ),
  ),
  NOTHING.map(([name, request]) =>
    rule(`a deletion of nothing is no change: ${name}`, THREE, deleteRange({ ...request, prevKv: true }, at('r+3'))),
  ),
  rule(
    'a second deletion is no change',
    puts('~a=1'),
    deleteRange({ key: '~a' }),
    deleteRange({ key: '~a' }, at('r+2')),
  ),
  rule(
    'a deletion tells the pairs before, in the order of keys',
    puts('~b=2', '~a=1', '~b=3'),
    deleteRange(
      { ...ALL, prevKv: true },
      at('r+4', { deleted: 2, prevKvs: [kv('~a', '1', 'r+2'), kv('~b', '3', ['r+1', 'r+3', 2])] }),
    ),
  ),
  rule('a deletion does not tell them unasked', THREE, deleteRange({ ...ALL }, at('r+4', { deleted: 3 }))),
  rule(
    'a deletion leaves the past',
    THREE,
    deleteRange({ ...ALL }),
    range({ ...ALL, revision: 'r+3', countOnly: true }, at('r+4', { count: 3 })),
  ),
  rule(
    'a deletion sets keys free of their leases',
    leaseGrant({ TTL: 600, ID: '$lease' }),
    put({ key: '~a', lease: '$lease' }),
    put({ key: '~b', lease: '$lease' }),
    deleteRange({ key: '~a' }),
    leaseTimeToLive(
      { ID: '$lease', keys: true },
      gives({ ID: '$lease', TTL: anything, grantedTTL: 600, keys: ['~b'] }),
    ),
  ),
  rule(
    'a deletion tells the leases before',
    leaseGrant({ TTL: 600, ID: '$lease' }),
    put({ key: '~a', lease: '$lease' }),
    deleteRange(
      { key: '~a', prevKv: true },
      at('r+2', { deleted: 1, prevKvs: [kv('~a', '', 'r+1', { lease: '$lease' })] }),
    ),
  ),
  rule(
    'a deletion of many keys is one revision',
    txn(
      { success: Array.from({ length: 100 }, (_, i) => op.put({ key: `~${i}` })) },
      gives({ ...anythingIn('responses') }),
    ),
    deleteRange({ ...ALL }, at('r+2', { deleted: 100 })),
  ),
  on(
    'fresh',
    rule(
      'a deletion from the first key on takes everything',
      THREE,
      deleteRange({ key: '\0', rangeEnd: '\0' }, gives({ deleted: anything })),
      range({ key: '\0', rangeEnd: '\0', countOnly: true }, at('r+4')),
    ),
  ),
);

function anythingIn(field: string): Fields {
  return { succeeded: true, [field]: anything };
}

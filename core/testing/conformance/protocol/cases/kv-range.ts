import {
  ALL,
  at,
  compact,
  deleteRange,
  INT64_MAX,
  INT64_MIN,
  introduced,
  type KeyValueFields,
  kv,
  leaseGrant,
  onPurpose,
  put,
  puts,
  range,
  rule,
  since,
  topic,
} from '../notation.js';
import type { Fields, Int } from '../rule.js';
import { BAD_SORT, COMPACTED, FUTURE, NO_KEY } from './wire-errors.js';

// --- Five keys, put in this order ---------------------------------------------------------------------------------

const FIVE = puts('~a=1', '~b=2', '~c=3', '~d=4', '~e=5');
const five = (...names: readonly string[]): KeyValueFields[] =>
  names.map((name) => kv(`~${name}`, String('abcde'.indexOf(name) + 1), `r+${'abcde'.indexOf(name) + 1}`));

/** A range over the five, and the keys that it tells. */
function ofFive(name: string, request: Fields, keys: string, more: Fields = {}) {
  const kvs = five(...keys);
  return rule(
    name,
    FIVE,
    range({ ...ALL, ...request }, at('r+5', { count: 5, ...(kvs.length > 0 && { kvs }), ...more })),
  );
}

const RANGES: readonly [string, Fields, string][] = [
  ['one key', { key: '~c' }, 'c'],
  ['a key that is not there', { key: '~x' }, ''],
  ['a key that begins like others', { key: '~' }, ''],
  ['from a key to before another', { key: '~b', rangeEnd: '~d' }, 'bc'],
  ['an end that is no key', { key: '~b', rangeEnd: '~d\0' }, 'bcd'],
  ['a begin that is no key', { key: '~b\0', rangeEnd: '~d' }, 'c'],
  ['a prefix', { key: '~', rangeEnd: '^' }, 'abcde'],
  ['an end that is the key', { key: '~b', rangeEnd: '~b' }, ''],
  ['an end before the key', { key: '~d', rangeEnd: '~b' }, ''],
  ['from a key on', { key: '~d', rangeEnd: '\0' }, 'de'],
  ['everything, while nothing else is there', { key: '\0', rangeEnd: '\0' }, 'abcde'],
  ['an end of bytes 255', { key: '~c', rangeEnd: '\xff\xff' }, 'cde'],
  ['a range behind all keys', { key: '~x', rangeEnd: '^' }, ''],
  ['an end of two zero bytes, which is a key like others', { key: '~b', rangeEnd: '\0\0' }, ''],
];

const LIMITS: readonly [Int, string, boolean][] = [
  [0, 'abcde', false],
  [1, 'a', true],
  [4, 'abcd', true],
  [5, 'abcde', false],
  [6, 'abcde', false],
  [-1, 'abcde', false],
  [INT64_MAX, 'abcde', false],
  [INT64_MIN, 'abcde', false],
];

/** Created in the order 1 to 5 from the case's start; so were they last changed. */
const FILTERS: readonly [Fields, string][] = [
  [{ minModRevision: 'r+2' }, 'bcde'],
  [{ minModRevision: 'r+5' }, 'e'],
  [{ minModRevision: 'r+6' }, ''],
  [{ minModRevision: INT64_MAX }, ''],
  [{ minModRevision: -1 }, 'abcde'],
  [{ maxModRevision: 'r+2' }, 'ab'],
  [{ maxModRevision: 'r' }, ''],
  [{ maxModRevision: INT64_MAX }, 'abcde'],
  [{ maxModRevision: 1 }, ''],
  [{ maxModRevision: -1 }, ''],
  [{ minModRevision: 'r+2', maxModRevision: 'r+4' }, 'bcd'],
  [{ minModRevision: 'r+3', maxModRevision: 'r+3' }, 'c'],
  [{ minModRevision: 'r+4', maxModRevision: 'r+2' }, ''],
  [{ minCreateRevision: 'r+2' }, 'bcde'],
  [{ minCreateRevision: 'r+6' }, ''],
  [{ minCreateRevision: -1 }, 'abcde'],
  [{ maxCreateRevision: 'r+2' }, 'ab'],
  [{ maxCreateRevision: 'r' }, ''],
  [{ maxCreateRevision: -1 }, ''],
  [{ minCreateRevision: 'r+2', maxCreateRevision: 'r+4' }, 'bcd'],
  [{ minCreateRevision: 'r+4', maxCreateRevision: 'r+2' }, ''],
  [{ minCreateRevision: 'r+2', maxModRevision: 'r+3' }, 'bc'],
  [{ minModRevision: 'r+2', maxCreateRevision: 'r+3' }, 'bc'],
];

/** Filters and limits: what is cut is what passes the filters, and what is counted is everything. */
const FILTERS_WITH_LIMITS: readonly [Fields, string, boolean][] = [
  [{ minModRevision: 'r+2', limit: 2 }, 'bc', true],
  [{ minModRevision: 'r+2', limit: 4 }, 'bcde', false],
  [{ maxModRevision: 'r+2', limit: 2 }, 'ab', false],
  [{ maxCreateRevision: 'r+3', limit: 2 }, 'ab', true],
  [{ minCreateRevision: 'r+4', limit: 2 }, 'de', false],
  [{ minModRevision: 'r+2', limit: 2, sortOrder: 'DESCEND' }, 'ed', true],
];

// --- Four keys whose five orders all differ -----------------------------------------------------------------------

const FOUR = puts('~b=v3', '~d=v1', '~a=v4', '~c=v2', '~c=v2', '~c=v2', '~c=v2', '~d=v1', '~d=v1', '~b=v3');
const FOUR_KVS: Readonly<Record<string, KeyValueFields>> = {
  a: kv('~a', 'v4', 'r+3'),
  b: kv('~b', 'v3', ['r+1', 'r+10', 2]),
  c: kv('~c', 'v2', ['r+4', 'r+7', 4]),
  d: kv('~d', 'v1', ['r+2', 'r+9', 3]),
};
const ASCENDING: readonly [string, string][] = [
  ['KEY', 'abcd'],
  ['VERSION', 'abdc'],
  ['CREATE', 'bdac'],
  ['MOD', 'acdb'],
  ['VALUE', 'dcba'],
];
const reversed = (keys: string) => [...keys].reverse().join('');

const SORTS: readonly [target: string, order: string, keys: string][] = ASCENDING.flatMap(
  ([target, keys]): [string, string, string][] => [
    [target, 'NONE', keys],
    [target, 'ASCEND', keys],
    [target, 'DESCEND', reversed(keys)],
  ],
);

function sorted(name: string, request: Fields, keys: string, more: Fields = {}) {
  const kvs = [...keys].map((key) => FOUR_KVS[key] as KeyValueFields);
  return rule(name, FOUR, range({ ...ALL, ...request }, at('r+10', { kvs, count: 4, ...more })));
}

// --- Revisions ----------------------------------------------------------------------------------------------------

/** r+1: a=1, b=1. r+3: a=2. r+4: b is deleted. r+5: c=1. */
const HISTORY = [puts('~a=1', '~b=1', '~a=2'), deleteRange({ key: '~b' }), puts('~c=1')].flat();
const a1 = kv('~a', '1', 'r+1');
const b1 = kv('~b', '1', 'r+2');
const a2 = kv('~a', '2', ['r+1', 'r+3', 2]);
const c1 = kv('~c', '1', 'r+5');

const PAST: readonly [Int, readonly KeyValueFields[]][] = [
  ['r', []],
  ['r+1', [a1]],
  ['r+2', [a1, b1]],
  ['r+3', [a2, b1]],
  ['r+4', [a2]],
  ['r+5', [a2, c1]],
  [0, [a2, c1]],
  [-1, [a2, c1]],
  [INT64_MIN, [a2, c1]],
];

const keysOf = (kvs: readonly KeyValueFields[]) =>
  kvs.map((each) => {
    const { value: _, ...rest } = each;
    return rest;
  });

export const kvRange = topic(
  'KV',
  rule('a range without a key is refused', range({}, NO_KEY)),
  rule('a range with an end and no key is refused', range({ rangeEnd: '~b' }, NO_KEY)),
  rule('a range over nothing tells the revision', range({ ...ALL }, at('r'))),
  RANGES.map(([name, request, keys]) =>
    rule(
      `a range tells ${name}`,
      FIVE,
      range(request, at('r+5', keys === '' ? {} : { kvs: five(...keys), count: keys.length })),
    ),
  ),

  // --- Limits -------------------------------------------------------------------------------------------------------
  LIMITS.map(([limit, keys, more]) =>
    ofFive(`a limit of ${String(limit as bigint)} tells ${keys.length} of 5 keys`, { limit }, keys, {
      ...(more && { more }),
    }),
  ),
  rule('a limit over nothing leaves nothing out', range({ ...ALL, limit: 1 }, at('r'))),
  rule(
    'a limit counts what a past revision had',
    HISTORY,
    range({ ...ALL, limit: 1, revision: 'r+3' }, at('r+5', { kvs: [a2], more: true, count: 2 })),
  ),

  // --- Counting, and keys without values ----------------------------------------------------------------------------
  rule('a count is of all keys', FIVE, range({ ...ALL, countOnly: true }, at('r+5', { count: 5 }))),
  rule('a count of nothing is 0', range({ ...ALL, countOnly: true }, at('r'))),
  rule('a count of one key that is there is 1', FIVE, range({ key: '~a', countOnly: true }, at('r+5', { count: 1 }))),
  rule('a count of one key that is not there is 0', FIVE, range({ key: '~x', countOnly: true }, at('r+5'))),
  rule('a count knows no limit', FIVE, range({ ...ALL, countOnly: true, limit: 2 }, at('r+5', { count: 5 }))),
  rule(
    'a count knows no filter',
    FIVE,
    range({ ...ALL, countOnly: true, minModRevision: 'r+4' }, at('r+5', { count: 5 })),
  ),
  rule(
    'a count knows no order',
    FIVE,
    range({ ...ALL, countOnly: true, sortOrder: 'DESCEND', sortTarget: 'VALUE' }, at('r+5', { count: 5 })),
  ),
  rule(
    'a count wins over keys only',
    FIVE,
    range({ ...ALL, countOnly: true, keysOnly: true }, at('r+5', { count: 5 })),
  ),
  rule(
    'a count is of a past revision',
    HISTORY,
    range({ ...ALL, countOnly: true, revision: 'r+1' }, at('r+5', { count: 1 })),
  ),
  rule('a count of a revision to come is refused', range({ ...ALL, countOnly: true, revision: 'r+1' }, FUTURE)),
  rule(
    'keys only leaves out values',
    HISTORY,
    range({ ...ALL, keysOnly: true }, at('r+5', { kvs: keysOf([a2, c1]), count: 2 })),
  ),
  rule(
    'keys only sorts by the values that it leaves out',
    FOUR,
    range(
      { ...ALL, keysOnly: true, sortTarget: 'VALUE' },
      at('r+10', { kvs: keysOf([...'dcba'].map((key) => FOUR_KVS[key] as KeyValueFields)), count: 4 }),
    ),
  ),
  rule(
    'keys only of a past revision tells that revision',
    HISTORY,
    range({ ...ALL, keysOnly: true, revision: 'r+2' }, at('r+5', { kvs: keysOf([a1, b1]), count: 2 })),
  ),
  rule(
    'keys only with a limit tells that there are more',
    FIVE,
    range({ ...ALL, keysOnly: true, limit: 1 }, at('r+5', { kvs: keysOf(five('a')), more: true, count: 5 })),
  ),
  rule(
    'keys only tells the lease',
    leaseGrant({ TTL: 600, ID: '$lease' }),
    put({ key: '~a', value: '1', lease: '$lease' }),
    range(
      { key: '~a', keysOnly: true },
      onPurpose('keys-only-tells-the-lease', {
        etcd: since('3.7', at('r+1', { kvs: [kv('~a', '', 'r+1')], count: 1 }), {
          before: at('r+1', { kvs: [kv('~a', '', 'r+1', { lease: '$lease' })], count: 1 }),
        }),
        conclave: at('r+1', { kvs: [kv('~a', '', 'r+1', { lease: '$lease' })], count: 1 }),
      }),
    ),
  ),

  // --- Filters ------------------------------------------------------------------------------------------------------
  FILTERS.map(([filter, keys]) => ofFive(`filtered: ${nameOf(filter)} leaves ${keys || 'nothing'}`, filter, keys)),
  FILTERS_WITH_LIMITS.map(([filter, keys, more]) =>
    ofFive(`filtered and cut: ${nameOf(filter)} leaves ${keys}`, filter, keys, { ...(more && { more }) }),
  ),
  rule(
    'filters look at a past revision as it was',
    HISTORY,
    range({ ...ALL, revision: 'r+3', maxModRevision: 'r+2' }, at('r+5', { kvs: [b1], count: 2 })),
  ),

  // --- Orders -------------------------------------------------------------------------------------------------------
  SORTS.map(([sortTarget, sortOrder, keys]) =>
    sorted(`sorted by ${sortTarget}, ${sortOrder}: ${keys}`, { sortTarget, sortOrder }, keys),
  ),
  ASCENDING.map(([sortTarget, keys]) =>
    sorted(
      `the largest by ${sortTarget} alone: ${keys.at(-1)}`,
      { sortTarget, sortOrder: 'DESCEND', limit: 1 },
      keys.slice(-1),
      { more: true },
    ),
  ),
  rule(
    'a limit and a target without an order',
    FOUR,
    range(
      { ...ALL, sortTarget: 'VALUE', limit: 1 },
      onPurpose('sorted-before-it-is-cut', {
        etcd: at('r+10', { kvs: [FOUR_KVS['b'] as KeyValueFields], more: true, count: 4 }),
        conclave: at('r+10', { kvs: [FOUR_KVS['d'] as KeyValueFields], more: true, count: 4 }),
      }),
    ),
  ),
  rule(
    'keys that sort alike stay in the order of keys',
    FIVE,
    range({ ...ALL, sortTarget: 'VERSION' }, at('r+5', { kvs: five(...'abcde'), count: 5 })),
    range({ ...ALL, sortTarget: 'VERSION', sortOrder: 'DESCEND' }, at('r+5', { kvs: five(...'abcde'), count: 5 })),
  ),
  ...[3, 99, -1].map((sortOrder) =>
    rule(
      `a sort order that does not exist is refused: ${sortOrder}`,
      puts('~a=1'),
      range({ ...ALL, sortOrder }, since('3.6', BAD_SORT, { before: at('r+1', { kvs: [a1], count: 1 }) })),
    ),
  ),
  // It ends an etcd 3.4.
  ...[5, 99, -1].map((sortTarget) =>
    introduced(
      '3.6',
      rule(
        `a sort target that does not exist is refused: ${sortTarget}`,
        puts('~a=1'),
        range({ ...ALL, sortTarget }, BAD_SORT),
      ),
    ),
  ),

  // --- Revisions ----------------------------------------------------------------------------------------------------
  PAST.map(([revision, kvs]) =>
    rule(
      `a range at revision ${String(revision as string)} of 5 tells ${kvs.map(({ key, value }) => `${key}=${value}`).join(' ') || 'nothing'}`,
      HISTORY,
      range({ ...ALL, revision }, at('r+5', kvs.length === 0 ? {} : { kvs, count: kvs.length })),
    ),
  ),
  rule('a range at the next revision is refused', range({ ...ALL, revision: 'r+1' }, FUTURE)),
  rule('a range at the largest revision is refused', range({ ...ALL, revision: INT64_MAX }, FUTURE)),
  rule('no key is told before a revision to come', range({ revision: INT64_MAX }, NO_KEY)),
  rule(
    'a past revision is told in the order that is asked for',
    HISTORY,
    range({ ...ALL, revision: 'r+3', sortOrder: 'DESCEND' }, at('r+5', { kvs: [b1, a2], count: 2 })),
  ),
  rule(
    'a range at the compacted revision is told',
    HISTORY,
    compact({ revision: 'r+3' }),
    range({ ...ALL, revision: 'r+3' }, at('r+5', { kvs: [a2, b1], count: 2 })),
  ),
  ...['r+2', 'r', 1].map((revision) =>
    rule(
      `a range before the compacted revision is refused: ${revision}`,
      HISTORY,
      compact({ revision: 'r+3' }),
      range({ ...ALL, revision }, COMPACTED),
    ),
  ),
  rule(
    'a range without a revision is told whatever was compacted',
    HISTORY,
    compact({ revision: 'r+5' }),
    range({ ...ALL }, at('r+5', { kvs: [a2, c1], count: 2 })),
    range({ ...ALL, revision: -1 }, at('r+5', { kvs: [a2, c1], count: 2 })),
  ),

  // --- Serializable -------------------------------------------------------------------------------------------------
  rule(
    'a serializable range tells the same of one member',
    FIVE,
    range({ ...ALL, serializable: true }, at('r+5', { kvs: five(...'abcde'), count: 5 })),
  ),
  rule('a serializable range without a key is refused', range({ serializable: true }, NO_KEY)),
  rule(
    'a serializable range at a revision to come is refused',
    range({ ...ALL, serializable: true, revision: INT64_MAX }, FUTURE),
  ),
);

function nameOf(request: Fields): string {
  return Object.entries(request)
    .map(([field, value]) => `${field} ${String(value)}`)
    .join(', ');
}

import {
  ALL,
  anything,
  at,
  compact,
  deleteRange,
  did,
  gives,
  INT64_MAX,
  kv,
  leaseGrant,
  leaseTimeToLive,
  op,
  put,
  puts,
  range,
  rule,
  topic,
  txn,
} from '../notation.js';
import type { Fields } from '../rule.js';
import {
  COMPACTED,
  DUPLICATE_KEY,
  FUTURE,
  KEY_NOT_FOUND,
  LEASE_NOT_FOUND,
  LEASE_PROVIDED,
  NO_KEY,
  TOO_MANY_OPS,
  VALUE_PROVIDED,
} from './wire-errors.js';

const UNCHANGED = range({ ...ALL }, at('r'));
const times = <T>(count: number, each: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => each(at));
const putting = (...keys: readonly string[]) => keys.map((key) => op.put({ key }));
const SUCCEEDED = { succeeded: true };
const GRANTED = leaseGrant({ TTL: 600, ID: '$lease' });

// --- Budgets ------------------------------------------------------------------------------------------------------

const LISTS = ['compare', 'success', 'failure'] as const;
const listOf = (list: (typeof LISTS)[number], count: number): Fields => ({
  [list]: times(count, (i) => (list === 'compare' ? { key: `~${i}`, target: 'VERSION' } : op.range({ key: `~${i}` }))),
});

/** A transaction within one that has so many operations beside it. */
const within = (outer: number, inner: readonly Fields[]): Fields => ({
  success: [...times(outer - 1, (i) => op.range({ key: `~o${i}` })), op.txn({ success: inner })],
});
const ranges = (count: number) => times(count, (i) => op.range({ key: `~i${i}` }));

const NESTED_BUDGETS: readonly [string, Fields, boolean][] = [
  ['1 with 127 within', within(1, ranges(127)), true],
  ['1 with 128 within', within(1, ranges(128)), false],
  ['64 with 64 within the last', within(64, ranges(64)), true],
  ['64 with 65 within the last', within(64, ranges(65)), false],
  ['127 with 1 within the last', within(127, ranges(1)), true],
  ['128 with 1 within the last', within(128, ranges(1)), false],
  ['128 with nothing within the last', within(128, []), true],
  ['1 with 1 with 126 within', { success: [op.txn({ success: [op.txn({ success: ranges(126) })] })] }, true],
  ['1 with 1 with 127 within', { success: [op.txn({ success: [op.txn({ success: ranges(127) })] })] }, false],
  ['2 with 126 within each', { success: [op.txn({ success: ranges(126) }), op.txn({ success: ranges(126) })] }, true],
  ['2 with 127 within one', { success: [op.txn({ success: ranges(127) }), op.txn({})] }, false],
  ['100 compares, and 28 within', { ...listOf('compare', 100), success: [op.txn({ success: ranges(28) })] }, true],
  ['100 compares, and 29 within', { ...listOf('compare', 100), success: [op.txn({ success: ranges(29) })] }, false],
  [
    '100 in the other list, and 29 within',
    { ...listOf('failure', 100), success: [op.txn({ success: ranges(29) })] },
    false,
  ],
  ['1 with 128 compares within', { success: [op.txn(listOf('compare', 128))] }, false],
  ['1 with 127 within its other list', { failure: [op.txn({ failure: ranges(127) })] }, true],
];

// --- Keys that are written twice ----------------------------------------------------------------------------------

const a = op.put({ key: '~a' });
const b = op.put({ key: '~b' });
const deleteA = op.delete({ key: '~a' });
const deleteAll = op.delete({ key: '~', rangeEnd: '^' });
const deleteAToC = op.delete({ key: '~a', rangeEnd: '~c' });
const deleteBehindA = op.delete({ key: '~a\0', rangeEnd: '~c' });
const then = (...success: readonly Fields[]) => op.txn({ success });
const orElse = (...failure: readonly Fields[]) => op.txn({ failure });

const DUPLICATES: readonly [string, readonly Fields[], boolean][] = [
  ['two puts of one key', [a, a], true],
  ['two puts of two keys', [a, b], false],
  ['a put and its deletion', [a, deleteA], true],
  ['a deletion and its put', [deleteA, a], true],
  ['a put in a range that is deleted after', [a, deleteAll], true],
  ['a put in a range that is deleted before', [deleteAll, a], true],
  ['a put at the begin of a range that is deleted', [deleteAToC, a], true],
  ['a put at the end of a range that is deleted', [deleteAToC, op.put({ key: '~c' })], false],
  ['a put before the begin of a range that is deleted', [deleteBehindA, a], false],
  ['a put in an empty range that is deleted', [op.delete({ key: '~b', rangeEnd: '~a' }), a], false],
  ['two deletions of one key', [deleteA, deleteA], false],
  ['two deletions of ranges that overlap', [deleteAll, deleteAToC], false],
  ['a deletion of one key and a put of another', [deleteA, b], false],
  ['a put and a read of one key', [a, op.range({ key: '~a' }), op.range({ ...ALL })], false],
  ['a put, and the same put within', [a, then(a)], true],
  ['a put within, and the same put behind', [then(a), a], true],
  ['a put, and the same put within the other branch', [a, orElse(a)], true],
  ['a put, and another within', [a, then(b)], false],
  ['a put, and its deletion within', [a, then(deleteA)], true],
  ['a deletion, and its put within', [deleteA, then(a)], true],
  ['a deleted range, and a put in it within', [deleteAll, then(a)], true],
  ['a put, and a range around it that is deleted within', [a, then(deleteAll)], true],
  ['a put within, and a range around it that is deleted behind', [then(a), deleteAll], true],
  ['the same put within two', [then(a), then(a)], true],
  ['the same put within two, in different branches', [then(a), orElse(a)], true],
  ['the same put in both branches of one within', [op.txn({ success: [a], failure: [a] })], false],
  ['a put, and a put in both branches of one within', [a, op.txn({ success: [b], failure: [b] })], false],
  ['a put two levels within, and beside', [a, then(then(a))], true],
  ['puts of two keys on three levels', [a, then(b, then(op.put({ key: '~c' })))], false],
  ['a put within, and its deletion within one behind', [then(a), then(deleteA)], false],
  ['a deletion within, and its put within one behind', [then(deleteA), then(a)], true],
  ['two deletions within two', [then(deleteA), then(deleteA)], false],
  ['a put twice within one', [then(a, a)], true],
];

export const kvTxn = topic(
  'KV',
  // --- Shape --------------------------------------------------------------------------------------------------------
  rule('a transaction of nothing succeeds', txn({}, at('r', SUCCEEDED))),
  rule(
    'a transaction of compares alone tells whether they hold',
    puts('~a=1'),
    txn({ compare: [{ key: '~a', target: 'VERSION', version: 1 }] }, at('r+1', SUCCEEDED)),
    txn({ compare: [{ key: '~a', target: 'VERSION', version: 2 }] }, at('r+1')),
  ),
  rule(
    'all compares must hold',
    puts('~a=1', '~b=1'),
    txn(
      {
        compare: [
          { key: '~a', target: 'VERSION', version: 1 },
          { key: '~b', target: 'VERSION', version: 2 },
        ],
        success: [op.put({ key: '~c', value: 'then' })],
        failure: [op.put({ key: '~c', value: 'else' })],
      },
      at('r+3', { responses: [did.put('r+3')] }),
    ),
    range({ key: '~c' }, at('r+3', { kvs: [kv('~c', 'else', 'r+3')], count: 1 })),
  ),
  rule('an operation that is none is refused', txn({ success: [{}] }, KEY_NOT_FOUND), UNCHANGED),
  rule('an operation that is none is refused in the other branch', txn({ failure: [{}] }, KEY_NOT_FOUND)),
  rule('an operation that is none is refused within', txn({ success: [then({})] }, KEY_NOT_FOUND)),
  rule(
    'a transaction within may be of nothing',
    txn(
      { success: [then()] },
      at('r', { succeeded: true, responses: [did.txn({ header: anything, succeeded: true })] }),
    ),
  ),

  // --- What operations need -----------------------------------------------------------------------------------------
  ...(
    [
      ['a put without a key', op.put({ value: '1' }), NO_KEY],
      ['a range without a key', op.range({}), NO_KEY],
      ['a deletion without a key', op.delete({}), NO_KEY],
      ['a compare without a key', op.txn({ compare: [{ target: 'VERSION' }] }), NO_KEY],
      ['a put with a value that it ignores', op.put({ key: '~a', value: '1', ignoreValue: true }), VALUE_PROVIDED],
      ['a put with a lease that it ignores', op.put({ key: '~a', lease: 1, ignoreLease: true }), LEASE_PROVIDED],
    ] as const
  ).flatMap(([name, wrong, refusal]) => [
    rule(`${name} is refused with the whole`, txn({ success: [op.put({ key: '~z' }), wrong] }, refusal), UNCHANGED),
    rule(`${name} is refused though its branch is not taken`, txn({ failure: [wrong] }, refusal)),
    rule(`${name} is refused within`, txn({ success: [op.txn({ failure: [wrong] })] }, refusal)),
  ]),
  rule('a compare without a key is refused', txn({ compare: [{ target: 'VERSION' }] }, NO_KEY)),
  ...(
    [
      ['a put with a lease that does not exist', op.put({ key: '~a', lease: 12_345 }), LEASE_NOT_FOUND],
      [
        'a put that keeps the value of a key that does not exist',
        op.put({ key: '~a', ignoreValue: true }),
        KEY_NOT_FOUND,
      ],
      [
        'a put that keeps the lease of a key that does not exist',
        op.put({ key: '~a', ignoreLease: true }),
        KEY_NOT_FOUND,
      ],
      ['a range at a revision to come', op.range({ key: '~a', revision: INT64_MAX }), FUTURE],
    ] as const
  ).flatMap(([name, wrong, refusal]) => [
    rule(`${name} undoes the whole`, txn({ success: [op.put({ key: '~z' }), wrong] }, refusal), UNCHANGED),
    rule(
      `${name} does not matter in a branch that is not taken`,
      txn(
        { success: [op.put({ key: '~z' })], failure: [wrong] },
        at('r+1', { succeeded: true, responses: [did.put('r+1')] }),
      ),
    ),
    rule(
      `${name} undoes the whole from within`,
      txn({ success: [op.put({ key: '~z' }), then(wrong)] }, refusal),
      UNCHANGED,
    ),
  ]),
  rule(
    'a missing key is told before a missing lease, other than by itself',
    txn({ success: [op.put({ key: '~a', ignoreValue: true, lease: 12_345 })] }, KEY_NOT_FOUND),
  ),

  // --- Budgets ------------------------------------------------------------------------------------------------------
  LISTS.flatMap((list) => [
    rule(
      `128 in ${list} are taken`,
      txn(
        listOf(list, 128),
        gives(list === 'success' ? { succeeded: true, responses: anything } : { succeeded: true }),
      ),
    ),
    rule(`129 in ${list} are refused`, txn(listOf(list, 129), TOO_MANY_OPS)),
  ]),
  rule(
    '128 in all three are taken, for each counts by itself',
    txn(
      { ...listOf('compare', 128), ...listOf('success', 128), ...listOf('failure', 128) },
      gives({ succeeded: true, responses: anything }),
    ),
  ),
  rule('too many are told before a key that is missing', txn({ success: times(129, () => op.put({})) }, TOO_MANY_OPS)),
  NESTED_BUDGETS.map(([name, request, isTaken]) =>
    rule(`${name}: ${isTaken ? 'taken' : 'refused'}`, isTaken ? txn(request) : txn(request, TOO_MANY_OPS)),
  ),

  // --- Duplicates ---------------------------------------------------------------------------------------------------
  DUPLICATES.flatMap(([name, operations, isRefused]) =>
    isRefused
      ? [
          rule(`${name}: refused`, txn({ success: operations }, DUPLICATE_KEY), UNCHANGED),
          rule(`${name}, in the other branch: refused`, txn({ failure: operations }, DUPLICATE_KEY)),
        ]
      : [rule(`${name}: taken`, txn({ success: operations }))],
  ),
  rule(
    'one key may be put in both branches',
    txn({ success: [a], failure: [a] }, at('r+1', { succeeded: true, responses: [did.put('r+1')] })),
  ),
  rule(
    'a put and a deletion from a key on are taken, and done in their order',
    txn(
      { success: [op.put({ key: '~a' }), op.delete({ key: '~a', rangeEnd: '\0' })] },
      at('r+1', { succeeded: true, responses: [did.put('r+1'), did.delete('r+1', { deleted: 1 })] }),
    ),
    range({ ...ALL }, at('r+1')),
  ),
  rule(
    'a deletion from a key on and a put are taken, and done in their order',
    puts('~a=1'),
    txn(
      { success: [op.delete({ key: '~a', rangeEnd: '\0' }), op.put({ key: '~a', value: '2' })] },
      at('r+2', { succeeded: true, responses: [did.delete('r+2', { deleted: 1 }), did.put('r+2')] }),
    ),
    range({ ...ALL }, at('r+2', { kvs: [kv('~a', '2', 'r+2')], count: 1 })),
  ),

  // --- Revisions ----------------------------------------------------------------------------------------------------
  rule(
    'all changes of a transaction have one revision',
    txn(
      { success: putting('~a', '~b', '~c') },
      at('r+1', { succeeded: true, responses: times(3, () => did.put('r+1')) }),
    ),
    range({ ...ALL }, at('r+1', { kvs: ['~a', '~b', '~c'].map((key) => kv(key, '', 'r+1')), count: 3 })),
  ),
  rule(
    'a transaction that changes nothing has the present revision',
    puts('~a=1'),
    txn(
      { success: [op.delete({ key: '~x' }), op.range({ key: '~a' })] },
      at('r+1', {
        succeeded: true,
        responses: [did.delete('r+1'), did.range('r+1', { kvs: [kv('~a', '1', 'r+1')], count: 1 })],
      }),
    ),
  ),
  rule(
    'a read within sees what came before, and tells the revision that it sees',
    puts('~a=1'),
    txn(
      {
        success: [op.range({ key: '~a' }), op.put({ key: '~a', value: '2' }), op.range({ key: '~a' })],
      },
      at('r+2', {
        succeeded: true,
        responses: [
          did.range('r+1', { kvs: [kv('~a', '1', 'r+1')], count: 1 }),
          did.put('r+2'),
          did.range('r+2', { kvs: [kv('~a', '2', ['r+1', 'r+2', 2])], count: 1 }),
        ],
      }),
    ),
  ),
  rule(
    'a read within at a past revision does not see what came before',
    puts('~a=1'),
    txn(
      { success: [op.put({ key: '~a', value: '2' }), op.range({ key: '~a', revision: 'r+1' })] },
      at('r+2', {
        succeeded: true,
        responses: [did.put('r+2'), did.range('r+2', { kvs: [kv('~a', '1', 'r+1')], count: 1 })],
      }),
    ),
  ),
  rule(
    'a read within at the revision that it makes is refused',
    txn({ success: [a, op.range({ key: '~a', revision: 'r+1' })] }, FUTURE),
    UNCHANGED,
  ),
  rule(
    'a read within at a compacted revision undoes the whole',
    puts('~a=1', '~a=2'),
    compact({ revision: 'r+2' }),
    txn({ success: [b, op.range({ key: '~a', revision: 'r+1' })] }, COMPACTED),
    range({ ...ALL, countOnly: true }, at('r+2', { count: 1 })),
  ),
  rule(
    'a negative revision within is a compacted one',
    puts('~a=1'),
    compact({ revision: 'r+1' }),
    txn({ success: [op.range({ key: '~a', revision: -1 })] }, COMPACTED),
  ),
  rule(
    'a deletion sees a put before it, and makes no pair before of it unasked',
    txn(
      { success: [a, op.delete({ key: '~a', rangeEnd: '\0', prevKv: true })] },
      at('r+1', {
        succeeded: true,
        responses: [did.put('r+1'), did.delete('r+1', { deleted: 1, prevKvs: [kv('~a', '', 'r+1')] })],
      }),
    ),
  ),
  rule(
    'a put tells the pair before',
    puts('~a=1'),
    txn(
      { success: [op.put({ key: '~a', value: '2', prevKv: true })] },
      at('r+2', { succeeded: true, responses: [did.put('r+2', { prevKv: kv('~a', '1', 'r+1') })] }),
    ),
  ),
  rule(
    'a put keeps the value',
    puts('~a=1'),
    txn({ success: [op.put({ key: '~a', ignoreValue: true })] }),
    range({ key: '~a' }, at('r+2', { kvs: [kv('~a', '1', ['r+1', 'r+2', 2])], count: 1 })),
  ),
  rule(
    'a put binds its key to a lease',
    GRANTED,
    txn({ success: [op.put({ key: '~a', lease: '$lease' })] }),
    leaseTimeToLive(
      { ID: '$lease', keys: true },
      gives({ ID: '$lease', TTL: anything, grantedTTL: 600, keys: ['~a'] }),
    ),
  ),
  rule(
    'the answers tell limits and counts as those of single reads do',
    puts('~a=1', '~b=2'),
    txn(
      {
        success: [
          op.range({ ...ALL, limit: 1 }),
          op.range({ ...ALL, countOnly: true }),
          op.range({ key: '~b', keysOnly: true }),
        ],
      },
      at('r+2', {
        succeeded: true,
        responses: [
          did.range('r+2', { kvs: [kv('~a', '1', 'r+1')], more: true, count: 2 }),
          did.range('r+2', { count: 2 }),
          did.range('r+2', { kvs: [kv('~b', '', 'r+2')], count: 1 }),
        ],
      }),
    ),
  ),
  rule(
    'a transaction of serializable reads answers alike',
    puts('~a=1'),
    txn(
      { success: [op.range({ key: '~a', serializable: true })] },
      at('r+1', { succeeded: true, responses: [did.range('r+1', { kvs: [kv('~a', '1', 'r+1')], count: 1 })] }),
    ),
  ),

  // --- Transactions within ------------------------------------------------------------------------------------------
  rule(
    'a transaction within shares the revision',
    txn({ success: [a, then(b)] }),
    range({ ...ALL }, at('r+1', { kvs: [kv('~a', '', 'r+1'), kv('~b', '', 'r+1')], count: 2 })),
  ),
  rule(
    'a transaction within tells its branch and its answers',
    txn(
      { success: [op.txn({ compare: [{ key: '~x', target: 'VERSION', version: 1 }], success: [a], failure: [b] })] },
      at('r+1', { succeeded: true, responses: [did.txn({ header: anything, responses: [did.put('r+1')] })] }),
    ),
    range({ ...ALL }, at('r+1', { kvs: [kv('~b', '', 'r+1')], count: 1 })),
  ),
  rule(
    'compares within see the keys as they were before the whole',
    txn({
      success: [
        a,
        op.txn({
          compare: [{ key: '~a', target: 'VERSION', version: 1 }],
          success: [op.put({ key: '~b', value: 'seen' })],
          failure: [op.put({ key: '~b', value: 'not seen' })],
        }),
      ],
    }),
    range({ key: '~b' }, at('r+1', { kvs: [kv('~b', 'not seen', 'r+1')], count: 1 })),
  ),
  rule(
    'reads within see what was written before them on any level',
    txn(
      { success: [a, then(op.range({ key: '~a' }))] },
      at('r+1', {
        succeeded: true,
        responses: [
          did.put('r+1'),
          did.txn({
            header: anything,
            succeeded: true,
            responses: [did.range('r+1', { kvs: [kv('~a', '', 'r+1')], count: 1 })],
          }),
        ],
      }),
    ),
  ),
  rule(
    'a deletion of everything in a transaction is one revision',
    puts('~a=1', '~b=2'),
    txn({ success: [deleteAll] }, at('r+3', { succeeded: true, responses: [did.delete('r+3', { deleted: 2 })] })),
    deleteRange({ ...ALL }, at('r+3')),
  ),
  rule(
    'a transaction within with nothing to do changes nothing',
    puts('~a=1'),
    txn({ success: [then(op.range({ key: '~a' }))] }, gives({ succeeded: true, responses: anything })),
    range({ ...ALL, countOnly: true }, at('r+1', { count: 1 })),
  ),
  rule(
    'a compare of a lease holds for a key that has it',
    GRANTED,
    put({ key: '~a', lease: '$lease' }),
    txn({ compare: [{ key: '~a', target: 'LEASE', lease: '$lease' }] }, at('r+1', SUCCEEDED)),
  ),
);

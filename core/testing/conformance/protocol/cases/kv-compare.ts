import { at, kv, leaseGrant, put, puts, rule, topic, txn, op, onPurpose, fails, like } from '../notation.js';
import type { Fields, Int, Step } from '../rule.js';
import { NO_KEY } from './wire-errors.js';

const RESULTS = ['EQUAL', 'NOT_EQUAL', 'GREATER', 'LESS'] as const;
type Result = (typeof RESULTS)[number];
type Target = 'VERSION' | 'CREATE' | 'MOD' | 'VALUE' | 'LEASE';

/** Whether a result holds of a key that is less than, equal to or greater than the operand. */
const HOLDS: Readonly<Record<Result, { readonly less: boolean; readonly equal: boolean; readonly greater: boolean }>> =
  {
    EQUAL: { less: false, equal: true, greater: false },
    NOT_EQUAL: { less: true, equal: false, greater: true },
    GREATER: { less: false, equal: false, greater: true },
    LESS: { less: true, equal: false, greater: false },
  };

/** Operands than which what `~b` has is less, to which it is equal, and than which it is greater. */
const OPERANDS: Readonly<Record<Target, { readonly field: string; less: unknown; equal: unknown; greater: unknown }>> =
  {
    VERSION: { field: 'version', less: 3, equal: 2, greater: 1 },
    CREATE: { field: 'createRevision', less: 'r+3', equal: 'r+2', greater: 'r+1' },
    MOD: { field: 'modRevision', less: 'r+4', equal: 'r+3', greater: 'r+2' },
    VALUE: { field: 'value', less: 'n', equal: 'm', greater: 'l' },
    LEASE: { field: 'lease', less: 1_000_001, equal: 1_000_000, greater: 999_999 },
  };
const TARGETS = Object.keys(OPERANDS) as Target[];

/** ~a has version 1 and value m. ~b has version 2, is created at r+2, changed at r+3, has value m, lease 1000000. */
const PAIR: readonly Step[] = [
  leaseGrant({ TTL: 600, ID: 1_000_000 }),
  ...puts('~a=m', '~b=x'),
  put({ key: '~b', value: 'm', lease: 1_000_000 }),
];
/** The lease has a number that every case of these has in common. */
const RELEASED: Step = { ...callRevoke(), expects: undefined };

const holds = (compare: Fields, does: boolean, revision: Int = 'r+3') =>
  txn({ compare: [compare] }, at(revision, does ? { succeeded: true } : {}));

const compareOf = (target: Target, result: Result, operand: unknown, keys: Fields): Fields => ({
  ...keys,
  target,
  result,
  [OPERANDS[target].field]: operand,
});

/** Three keys, of which the one in the middle is unlike the others. */
const THREE: Readonly<
  Record<Target, { readonly put: readonly Step[]; readonly field: string; readonly odd: unknown }>
> = {
  VERSION: { put: puts('~1=a', '~2=a', '~3=a', '~2=a'), field: 'version', odd: 2 },
  CREATE: { put: puts('~1=a', '~2=a', '~3=a', '~3=a'), field: 'createRevision', odd: 'r+2' },
  MOD: { put: puts('~1=a', '~2=a', '~3=a', '~3=a'), field: 'modRevision', odd: 'r+2' },
  VALUE: { put: puts('~1=a', '~2=b', '~3=a', '~3=a'), field: 'value', odd: 'b' },
  LEASE: {
    put: [leaseGrant({ TTL: 600, ID: '$odd' }), ...puts('~1=a', '~3=a', '~3=a'), put({ key: '~2', lease: '$odd' })],
    field: 'lease',
    odd: '$odd',
  },
};

export const kvCompare = topic(
  'KV',
  TARGETS.flatMap((target) =>
    RESULTS.map((result) =>
      rule(
        `compare ${target} ${result}: a key that is there`,
        PAIR,
        ...(['less', 'equal', 'greater'] as const).map((relation) =>
          holds(compareOf(target, result, OPERANDS[target][relation], { key: '~b' }), HOLDS[result][relation]),
        ),
        RELEASED,
      ),
    ),
  ),
  TARGETS.flatMap((target) =>
    RESULTS.map((result) => {
      const isValue = target === 'VALUE';
      const { field } = OPERANDS[target];
      const absent = (operand: unknown, does: boolean) =>
        holds({ key: '~x', target, result, [field]: operand }, does, 'r');
      return rule(
        `compare ${target} ${result}: a key that is not there ${isValue ? 'never holds' : 'counts as 0'}`,
        absent(isValue ? '' : 0, !isValue && HOLDS[result].equal),
        absent(isValue ? 'a' : 1, !isValue && HOLDS[result].less),
        ...(isValue ? [] : [absent(-1, HOLDS[result].greater)]),
      );
    }),
  ),
  TARGETS.flatMap((target) => {
    const { put: putting, field, odd } = THREE[target];
    const range = { key: '~', rangeEnd: '^' };
    const one = { key: '~2', rangeEnd: '~3' };
    return [
      rule(`compare ${target} of a range: every key must satisfy EQUAL`, putting, [
        holds({ ...range, target, [field]: odd }, false, 'r+4'),
        holds({ ...one, target, [field]: odd }, true, 'r+4'),
      ]),
      rule(`compare ${target} of a range: one key that is unlike breaks NOT_EQUAL`, putting, [
        holds({ ...range, target, result: 'NOT_EQUAL', [field]: odd }, false, 'r+4'),
        holds({ key: '~3', rangeEnd: '\0', target, result: 'NOT_EQUAL', [field]: odd }, true, 'r+4'),
      ]),
      rule(
        `compare ${target} of a range without keys ${target === 'VALUE' ? 'never holds' : 'is one of 0'}`,
        holds({ key: '~x', rangeEnd: '^', target, [field]: target === 'VALUE' ? '' : 0 }, target !== 'VALUE', 'r'),
        holds(
          { key: '~x', rangeEnd: '^', target, result: 'NOT_EQUAL', [field]: target === 'VALUE' ? 'a' : 0 },
          false,
          'r',
        ),
      ),
    ];
  }),
  TARGETS.map((target) =>
    rule(
      `compare ${target} without an operand compares with ${target === 'VALUE' ? 'the empty value' : '0'}`,
      puts('~a='),
      holds({ key: '~a', target }, target === 'VALUE' || target === 'LEASE', 'r+1'),
    ),
  ),
  TARGETS.filter((target) => target !== 'VALUE').map((target) =>
    rule(
      `compare ${target} with another target's operand compares with 0`,
      puts('~a=m'),
      holds({ key: '~a', target, value: 'm' }, target === 'LEASE', 'r+1'),
      holds({ key: '~a', target, result: 'NOT_EQUAL', value: 'm' }, target !== 'LEASE', 'r+1'),
    ),
  ),
  rule(
    'values compare by bytes, and a beginning is less than the whole',
    puts('~a=ab'),
    holds({ key: '~a', target: 'VALUE', result: 'GREATER', value: 'a' }, true, 'r+1'),
    holds({ key: '~a', target: 'VALUE', result: 'LESS', value: 'ab\0' }, true, 'r+1'),
    holds({ key: '~a', target: 'VALUE', result: 'LESS', value: '\xff' }, true, 'r+1'),
    holds({ key: '~a', target: 'VALUE', result: 'GREATER', value: 'B' }, true, 'r+1'),
  ),
  rule(
    'an empty value is equal to no value',
    put({ key: '~a' }),
    holds({ key: '~a', target: 'VALUE', value: '' }, true, 'r+1'),
    holds({ key: '~a', target: 'VALUE', result: 'NOT_EQUAL', value: '' }, false, 'r+1'),
    holds({ key: '~a', target: 'VALUE', result: 'LESS', value: 'a' }, true, 'r+1'),
  ),
  rule(
    'a compare of an empty range, its end before its key, is one of a key that is not there',
    puts('~a=1'),
    holds({ key: '~b', rangeEnd: '~a', target: 'VERSION', version: 0 }, true, 'r+1'),
  ),
  rule(
    'a compare looks at the whole store from a key on',
    puts('~a=1'),
    holds({ key: '~a', rangeEnd: '\0', target: 'VERSION', version: 1 }, true, 'r+1'),
  ),
  rule(
    'a compare with an end and no key is refused',
    txn({ compare: [{ rangeEnd: '~b', target: 'VERSION' }] }, NO_KEY),
  ),
  rule(
    'one compare may be made twice, and against itself',
    puts('~a=1'),
    txn(
      {
        compare: [
          { key: '~a', target: 'VERSION', version: 1 },
          { key: '~a', target: 'VERSION', version: 1 },
        ],
      },
      at('r+1', { succeeded: true }),
    ),
    txn(
      {
        compare: [
          { key: '~a', target: 'VERSION', version: 1 },
          { key: '~a', target: 'VERSION', result: 'NOT_EQUAL', version: 1 },
        ],
        failure: [op.range({ key: '~a' })],
      },
      at('r+1', {
        responses: [{ responseRange: { header: { revision: 'r+1' }, kvs: [kv('~a', '1', 'r+1')], count: 1 } }],
      }),
    ),
  ),
  rule(
    'a compare whose result does not exist',
    puts('~a=1'),
    txn(
      { compare: [{ key: '~a', target: 'VERSION', version: 7, result: 9 }] },
      onPurpose('compares-that-do-not-exist', {
        etcd: at('r+1', { succeeded: true }),
        conclave: fails('INVALID_ARGUMENT', like(/compare/)),
      }),
    ),
  ),
  rule(
    'a compare whose target does not exist',
    puts('~a=1'),
    txn(
      { compare: [{ key: '~a', target: 9, version: 7 }] },
      onPurpose('compares-that-do-not-exist', {
        etcd: at('r+1', { succeeded: true }),
        conclave: fails('INVALID_ARGUMENT', like(/compare/)),
      }),
    ),
  ),
);

function callRevoke() {
  return { do: 'call', method: 'Lease/LeaseRevoke', request: { ID: 1_000_000 }, headers: {} } as const;
}

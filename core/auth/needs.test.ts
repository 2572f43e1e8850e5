import { expect, test } from '@jest/globals';
import type { Access, Permission } from '../base/auth-operation.js';
import { everything, fromKey, key, prefix } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import type { Operation, TxnRequest } from '../base/operation.js';
import { get, put, remove, version } from '../txn.js';
import { assertMayDo } from './needs.js';
import { Rights } from './rights.js';
import { ROOT } from './types.js';

const NO_LEASES = () => [];

function allow(access: Access, range: KeyRange): Permission {
  return { ...range, access };
}

function rightsTo(...permissions: readonly Permission[]): Rights {
  return new Rights({ name: 'ann', roles: ['r'], validFrom: 1 }, [{ name: 'r', permissions }]);
}

function mayDo(
  rights: Rights,
  operation: Operation,
  keysOf: (id: bigint) => readonly Uint8Array[] = NO_LEASES,
): boolean {
  try {
    assertMayDo(rights, operation, keysOf);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED' });
    return false;
  }
}

function nested(operation: Operation, depth: number): Operation {
  const inner: Operation[] = [depth === 1 ? operation : nested(operation, depth - 1)];
  const txn: TxnRequest = { type: 'txn', compares: [], success: [], failure: [] };
  // A branch each time another, so that neither can be forgotten.
  return depth % 2 === 0 ? { ...txn, success: inner } : { ...txn, failure: inner };
}

const READER = rightsTo(allow('read', prefix('a/')));
const WRITER = rightsTo(allow('write', prefix('a/')));
const BOTH = rightsTo(allow('readWrite', prefix('a/')));
const NOBODY = rightsTo();

const WHO = { READER, WRITER, BOTH, NOBODY };

const OPERATIONS: readonly (readonly [what: string, operation: Operation, allowed: readonly (keyof typeof WHO)[]])[] = [
  ['a read', get(key('a/1')), ['READER', 'BOTH']],
  ['a read of a range', get(prefix('a/')), ['READER', 'BOTH']],
  ['a read of a count', get(prefix('a/'), { countOnly: true }), ['READER', 'BOTH']],
  ['a read without an end', get(fromKey('a/')), []],
  ['a read of everything', get(everything()), []],
  ['a put', put('a/1', ''), ['WRITER', 'BOTH']],
  ['a put elsewhere', put('b', ''), []],
  ['a put that answers the value before', put('a/1', '', { previous: true }), ['BOTH']],
  ['a deletion', remove(prefix('a/')), ['WRITER', 'BOTH']],
  ['a deletion that answers the values', remove(prefix('a/'), { previous: true }), ['BOTH']],
  ['a deletion of more', remove(prefix('a')), []],
  ['a compare', { type: 'txn', compares: [version('a/1').equals(0)], success: [], failure: [] }, ['READER', 'BOTH']],
  ['a compare elsewhere', { type: 'txn', compares: [version('b').equals(0)], success: [], failure: [] }, []],
];

for (const [what, operation, allowed] of OPERATIONS) {
  test(`${what} needs its rights, alone and at any depth of a transaction`, () => {
    for (const [name, rights] of Object.entries(WHO)) {
      const expected = allowed.includes(name as keyof typeof WHO);
      expect(mayDo(rights, operation)).toBe(expected);
      for (const depth of [1, 2, 3, 100]) expect(mayDo(rights, nested(operation, depth))).toBe(expected);
    }
  });
}

test('to let a key live by a lease needs the right to write all that live by it, nested too', () => {
  const leased = put('a/1', '', { lease: 7n });
  const keysOf = (id: bigint) => (id === 7n ? [Buffer.from('a/2'), Buffer.from('secret')] : []);

  expect(mayDo(WRITER, leased, () => [Buffer.from('a/2')])).toBe(true);
  expect(mayDo(WRITER, leased, keysOf)).toBe(false);
  expect(mayDo(WRITER, nested(leased, 2), keysOf)).toBe(false);
});

test('a right to one key does not let a range without an end through', () => {
  const single = rightsTo(allow('readWrite', key('a')));

  expect(mayDo(single, get(key('a')))).toBe(true);
  expect(mayDo(single, get(fromKey('a')))).toBe(false);
  expect(mayDo(single, remove(fromKey('a')))).toBe(false);
});

test('the rights of all roles count together, and root may do everything', () => {
  const roles = [
    { name: 'r', permissions: [allow('read', { key: Buffer.from('a'), end: Buffer.from('m') })] },
    { name: 's', permissions: [allow('readWrite', { key: Buffer.from('k'), end: Buffer.from('z') })] },
  ];
  const both = new Rights({ name: 'ann', roles: ['r', 's'], validFrom: 1 }, roles);
  const root = new Rights({ name: 'ann', roles: [ROOT], validFrom: 1 }, []);

  expect(mayDo(both, get({ key: Buffer.from('b'), end: Buffer.from('y') }))).toBe(true);
  expect(mayDo(both, remove({ key: Buffer.from('b'), end: Buffer.from('y') }))).toBe(false);
  expect(mayDo(root, remove(everything(), { previous: true }))).toBe(true);
});

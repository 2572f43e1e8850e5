import fc from 'fast-check';
import type { Permission } from '../../base/auth-operation.js';
import { everything, fromKey, key, prefix } from '../../base/key-range.js';
import type { AuthChange, Caller } from '../types.js';

/** Few names, so that changes meet the users and roles of others. */
const user = fc.constantFrom('root', 'ann', 'bob', '');
const role = fc.constantFrom('root', 'r', 's', '');
const name = fc.constantFrom('a', 'aa', 'b', 'ba', 'c');
const range = fc.oneof(name.map(key), name.map(prefix), name.map(fromKey), fc.constant(everything()));
const permission: fc.Arbitrary<Permission> = fc
  .record({ range, access: fc.constantFrom('read' as const, 'write' as const, 'readWrite' as const) })
  .map(({ range, access }) => ({ ...range, access }));
const revision = fc.nat(30);
const passwordHash = fc.constantFrom('h1', 'h2');

/** Any change of users and roles, and tokens of them. */
export const authChange: fc.Arbitrary<AuthChange> = fc.oneof(
  fc.constantFrom({ type: 'enable' as const }, { type: 'enable' as const }, { type: 'disable' as const }),
  fc.record({
    type: fc.constant('userAdd' as const),
    name: user,
    passwordHash: fc.option(passwordHash, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('userPassword' as const), name: user, passwordHash }),
  fc.record({ type: fc.constant('userDelete' as const), name: user }),
  fc.record({ type: fc.constantFrom('userGrant' as const, 'userRevoke' as const), name: user, role }),
  fc.record({ type: fc.constantFrom('roleAdd' as const, 'roleDelete' as const), role }),
  fc.record({ type: fc.constant('roleGrant' as const), role, permission }),
  fc.record({ type: fc.constant('roleRevoke' as const), role, range }),
  fc.record({
    type: fc.constant('token' as const),
    user: fc.record({ name: user, revision }),
    digest: fc.uint8Array({ minLength: 2, maxLength: 2 }),
  }),
);

/** Somebody, of whom it is left open whether anybody knows them. */
export const caller: fc.Arbitrary<Caller> = fc.oneof(
  fc.constant('nobody' as const),
  fc.record({ name: user, revision }),
);

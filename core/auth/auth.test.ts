import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Permission } from '../base/auth-operation.js';
import { everything, fromKey, key, prefix, range } from '../base/key-range.js';
import { LIMITS } from '../base/limits.js';
import { Auth, type AuthRecords, NO_AUTH } from './auth.js';
import type { AuthChange, AuthFacts, Role, User } from './types.js';

/** Records as a state keeps them. */
class KeptRecords implements AuthRecords {
  facts: AuthFacts = NO_AUTH.facts;
  readonly users = new Map<string, User>();
  readonly roles = new Map<string, Role>();
  saveFacts = (facts: AuthFacts) => void (this.facts = facts);
  saveUser = (user: User) => void this.users.set(user.name, user);
  removeUser = (name: string) => void this.users.delete(name);
  saveRole = (role: Role) => void this.roles.set(role.name, role);
  removeRole = (name: string) => void this.roles.delete(name);
  reopen = () => new Auth({ facts: this.facts, users: [...this.users.values()], roles: [...this.roles.values()] });
}

let records: KeptRecords;
let auth: Auth;
let index: number;

beforeEach(() => {
  records = new KeptRecords();
  auth = records.reopen();
  index = 0;
});

function make(...changes: readonly AuthChange[]): void {
  for (const change of changes) auth.apply(change, (index += 1), records);
}

/** The code with which a change is refused; it then leaves everything as it was. */
function refusal(change: AuthChange): unknown {
  const before = JSON.stringify([auth.status, auth.userNames, auth.roleNames, records.facts]);
  try {
    auth.apply(change, index + 1, records);
  } catch (error) {
    expect(JSON.stringify([auth.status, auth.userNames, auth.roleNames, records.facts])).toBe(before);
    return (error as { code?: unknown }).code;
  }
  return 'made';
}

const addUser = (name: string): AuthChange => ({ type: 'userAdd', name, passwordHash: `hash of ${name}` });
const grant = (name: string, role: string): AuthChange => ({ type: 'userGrant', name, role });
const allow = (role: string, permission: Permission): AuthChange => ({ type: 'roleGrant', role, permission });
const READ_A: Permission = { ...prefix('a/'), access: 'read' };
const ROOT_THERE: readonly AuthChange[] = [addUser('root'), grant('root', 'root')];
const ENABLED: readonly AuthChange[] = [...ROOT_THERE, { type: 'enable' }];
const ANN: readonly AuthChange[] = [
  addUser('ann'),
  { type: 'roleAdd', role: 'r' },
  allow('r', READ_A),
  grant('ann', 'r'),
];

const rightsOf = (name: string) => auth.rightsOf({ name, revision: auth.revision });

describe('authentication', () => {
  test('is enabled only where root could disable it again', () => {
    expect(refusal({ type: 'enable' })).toBe('ROOT_USER_MISSING');
    make(addUser('root'));
    expect(refusal({ type: 'enable' })).toBe('ROOT_ROLE_MISSING');
    make(grant('root', 'root'), { type: 'enable' }, { type: 'enable' });

    expect(auth.status).toEqual({ enabled: true, authRevision: 3 });
    expect(records.reopen().status).toEqual(auth.status);
  });

  test('asks nobody while it is not enabled, and everybody when it is', () => {
    expect(auth.rightsOf('nobody')).toBeUndefined();
    make(...ENABLED);

    expect(() => auth.rightsOf('nobody')).toThrow(expect.objectContaining({ code: 'USER_NAME_EMPTY' }));
    expect(() => rightsOf('ghost')).toThrow(expect.objectContaining({ code: 'PERMISSION_DENIED' }));
    expect(rightsOf('root')?.isRoot).toBe(true);
  });

  test('keeps root able to end it', () => {
    make(...ENABLED, { type: 'roleAdd', role: 'root' });

    expect(refusal({ type: 'userDelete', name: 'root' })).toBe('INVALID_AUTH_MANAGEMENT');
    expect(refusal({ type: 'userRevoke', name: 'root', role: 'root' })).toBe('INVALID_AUTH_MANAGEMENT');
    expect(refusal({ type: 'roleDelete', role: 'root' })).toBe('INVALID_AUTH_MANAGEMENT');
    make({ type: 'disable' }, { type: 'userDelete', name: 'root' });
    expect(auth.userNames).toEqual([]);
  });

  test('counts its revision up with every change that is one', () => {
    const before = auth.revision;
    make(...ROOT_THERE, ...ANN);
    expect(auth.revision).toBe(before + 6);

    make(grant('ann', 'r'), { type: 'enable' });
    expect(auth.revision).toBe(before + 6);
    make({ type: 'disable' });
    expect(auth.revision).toBe(before + 7);
    make({ type: 'disable' });
    expect(auth.revision).toBe(before + 7);
  });
});

describe('users and roles', () => {
  test('are refused as etcd refuses them', () => {
    make(...ANN);

    expect(refusal(addUser('ann'))).toBe('USER_EXISTS');
    expect(refusal(addUser(''))).toBe('USER_NAME_EMPTY');
    expect(refusal({ type: 'userDelete', name: 'x' })).toBe('USER_NOT_FOUND');
    expect(refusal({ type: 'userPassword', name: 'x', passwordHash: '' })).toBe('USER_NOT_FOUND');
    expect(refusal(grant('x', 'r'))).toBe('USER_NOT_FOUND');
    expect(refusal(grant('ann', 'x'))).toBe('ROLE_NOT_FOUND');
    expect(refusal({ type: 'userRevoke', name: 'ann', role: 'x' })).toBe('ROLE_NOT_GRANTED');
    expect(refusal({ type: 'roleAdd', role: 'r' })).toBe('ROLE_EXISTS');
    expect(refusal({ type: 'roleAdd', role: '' })).toBe('ROLE_NAME_EMPTY');
    expect(refusal({ type: 'roleDelete', role: 'x' })).toBe('ROLE_NOT_FOUND');
    expect(refusal(allow('x', READ_A))).toBe('ROLE_NOT_FOUND');
    expect(refusal({ type: 'roleRevoke', role: 'x', range: key('a') })).toBe('ROLE_NOT_FOUND');
    expect(refusal({ type: 'roleRevoke', role: 'r', range: key('a/') })).toBe('PERMISSION_NOT_GRANTED');
  });

  test('a permission is a range that holds a key', () => {
    make({ type: 'roleAdd', role: 'r' });

    expect(refusal(allow('r', { ...key(''), access: 'read' }))).toBe('INVALID_AUTH_MANAGEMENT');
    expect(refusal(allow('r', { ...range('b', 'a'), access: 'read' }))).toBe('INVALID_AUTH_MANAGEMENT');
    expect(refusal(allow('r', { ...range('a', 'a'), access: 'read' }))).toBe('INVALID_AUTH_MANAGEMENT');
    expect(refusal(allow('r', { ...fromKey('b'), access: 'read' }))).toBe('made');
    expect(refusal(allow('r', { ...everything(), access: 'read' }))).toBe('made');
  });

  test('a range that is granted again is allowed what was said last', () => {
    make({ type: 'roleAdd', role: 'r' }, allow('r', { ...prefix('b'), access: 'read' }));
    make(allow('r', { ...key('b'), access: 'write' }), allow('r', { ...prefix('b'), access: 'readWrite' }));

    expect(auth.role('r').permissions.map(({ access }) => access)).toEqual(['write', 'readWrite']);
    make({ type: 'roleRevoke', role: 'r', range: key('b') });
    expect(auth.role('r').permissions).toEqual([{ ...prefix('b'), access: 'readWrite' }]);
  });

  test('who has a role loses it when it is deleted', () => {
    make(...ENABLED, ...ANN);
    expect(rightsOf('ann')?.mayRead(key('a/1'))).toBe(true);
    make({ type: 'roleDelete', role: 'r' });

    expect(auth.user('ann').roles).toEqual([]);
    expect(rightsOf('ann')?.mayRead(key('a/1'))).toBe(false);
    make({ type: 'roleAdd', role: 'r' }, allow('r', READ_A));
    expect(rightsOf('ann')?.mayRead(key('a/1'))).toBe(false);
  });

  test('are the same when they are opened from their records', () => {
    make(...ENABLED, ...ANN, addUser('bob'), { type: 'userDelete', name: 'bob' });

    const again = records.reopen();
    expect(again.status).toEqual(auth.status);
    expect(again.userNames).toEqual(auth.userNames);
    expect(again.user('ann')).toEqual(auth.user('ann'));
    expect(again.role('r')).toEqual(auth.role('r'));
  });
});

describe('limits', () => {
  const long = 'x'.repeat(LIMITS.authNameBytes);

  test('a name is as long as a record of it can be found under', () => {
    expect(refusal(addUser(long))).toBe('made');
    expect(refusal({ type: 'roleAdd', role: long })).toBe('made');
    expect(refusal(addUser(`${long}y`))).toBe('INVALID_ARGUMENT');
    expect(refusal({ type: 'roleAdd', role: `${long}y` })).toBe('INVALID_ARGUMENT');
  });

  test('a role has as many permissions as it may, and no more', () => {
    make({ type: 'roleAdd', role: 'r' });
    const nth = (n: number): Permission => ({ ...key(`k${n}`), access: 'read' });
    for (let n = 0; n < LIMITS.authPermissionsPerRole; n += 1) make(allow('r', nth(n)));

    expect(refusal(allow('r', nth(-1)))).toBe('INVALID_ARGUMENT');
    expect(refusal(allow('r', { ...nth(5), access: 'write' }))).toBe('made');
    const large = new Uint8Array(LIMITS.authPermissionKeyBytes + 1).fill(1);
    expect(refusal(allow('r', { key: large, access: 'read' }))).toBe('INVALID_ARGUMENT');
  });

  test('there are as many users and roles as there may be', () => {
    const names = Array.from({ length: LIMITS.authUsers }, (_, n) => `u${n}`);
    const facts = { enabled: false, revision: 1, validFrom: 0 };
    const full = new Auth({
      facts,
      users: names.map((name) => ({ name, roles: [], validFrom: 1 })),
      roles: names.slice(0, LIMITS.authRoles).map((name) => ({ name, permissions: [] })),
    });
    auth = full;

    expect(refusal(addUser('one more'))).toBe('INVALID_ARGUMENT');
    expect(refusal({ type: 'roleAdd', role: 'one more' })).toBe('INVALID_ARGUMENT');
    make({ type: 'userDelete', name: 'u0' }, addUser('one more'));
  });
});

describe('what was given to a user', () => {
  const VOIDING: readonly (readonly [string, readonly AuthChange[]])[] = [
    ['another password', [{ type: 'userPassword', name: 'ann', passwordHash: 'other' }]],
    ['one role less', [{ type: 'userRevoke', name: 'ann', role: 'r' }]],
    ['one role more', [grant('ann', 'root')]],
    ['a role that is deleted', [{ type: 'roleDelete', role: 'r' }]],
    ['the end of authentication', [{ type: 'disable' }, { type: 'enable' }]],
    ['being deleted and added', [{ type: 'userDelete', name: 'ann' }, addUser('ann')]],
  ];

  test.each(VOIDING)('is void after %s', (_, changes) => {
    make(...ENABLED, ...ANN);
    const given = { name: 'ann', revision: auth.revision };
    expect(auth.isValid(given)).toBe(true);
    make(...changes);

    expect(auth.isValid(given)).toBe(false);
    expect(() => auth.rightsOf(given)).toThrow(expect.objectContaining({ code: 'AUTH_REVISION_OLD' }));
    expect(records.reopen().isValid(given)).toBe(false);
  });

  test('stands while others are changed, and what roles allow', () => {
    make(...ENABLED, ...ANN);
    const given = { name: 'ann', revision: auth.revision };
    make(addUser('bob'), grant('bob', 'r'), { type: 'roleRevoke', role: 'r', range: READ_A });

    expect(auth.isValid(given)).toBe(true);
    expect(auth.rightsOf(given)?.mayRead(key('a/1'))).toBe(false);
  });

  test('a token is issued only for a user as it is', () => {
    make(...ENABLED, ...ANN);
    const issued: unknown[] = [];
    auth.onIssued((token) => issued.push(token));
    const user = { name: 'ann', revision: auth.revision };
    const token: AuthChange = { type: 'token', user, digest: Uint8Array.of(1) };
    make(token);
    expect(issued).toEqual([]);
    auth.announce();
    auth.announce();

    expect(issued).toEqual([{ user, digest: Uint8Array.of(1), index }]);
    make({ type: 'userPassword', name: 'ann', passwordHash: 'other' });
    expect(refusal(token)).toBe('AUTH_REVISION_OLD');
    make({ type: 'userDelete', name: 'ann' });
    expect(refusal(token)).toBe('INVALID_AUTH_TOKEN');
    make({ type: 'disable' });
    expect(refusal(token)).toBe('AUTH_NOT_ENABLED');
  });
});

test('whoever listens is told once of many changes, and of none', () => {
  let told = 0;
  const stop = auth.onChange(() => (told += 1));
  auth.announce();
  make(...ENABLED, ...ANN);
  auth.announce();
  auth.announce();
  expect(told).toBe(1);

  stop();
  make(addUser('bob'));
  auth.announce();
  expect(told).toBe(1);
});

import { unreachable } from '../base/assert.js';
import type { AuthStatus, Permission } from '../base/auth-operation.js';
import { compareBytes, equalBytes, toBytes } from '../base/bytes.js';
import {
  AuthNotEnabledError,
  AuthRevisionOldError,
  InvalidArgumentError,
  InvalidAuthManagementError,
  InvalidAuthTokenError,
  PermissionDeniedError,
  PermissionNotGrantedError,
  RoleExistsError,
  RoleNameEmptyError,
  RoleNotFoundError,
  RoleNotGrantedError,
  RootRoleMissingError,
  RootUserMissingError,
  UserExistsError,
  UserNameEmptyError,
  UserNotFoundError,
} from '../base/errors.js';
import { isOpenEnded } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import { LIMITS } from '../base/limits.js';
import { Rights } from './rights.js';
import { type AuthChange, type AuthFacts, type Caller, type IssuedToken, ROOT, type Role, type User } from './types.js';

/** Where changes are kept, in the write of the entry that made them. */
export interface AuthRecords {
  saveFacts(facts: AuthFacts): void;
  saveUser(user: User): void;
  removeUser(name: string): void;
  saveRole(role: Role): void;
  removeRole(name: string): void;
}

/** What the records hold. */
export interface StoredAuth {
  readonly facts: AuthFacts;
  readonly users: readonly User[];
  readonly roles: readonly Role[];
}

/** A state without users, in which nobody is asked for them. */
export const NO_AUTH: StoredAuth = { facts: { enabled: false, revision: 1, validFrom: 0 }, users: [], roles: [] };

/** Users and roles as of the last applied entry, and what follows from them. Part of the replicated state. */
export class Auth {
  #facts: AuthFacts;
  readonly #users: Map<string, User>;
  readonly #roles: Map<string, Role>;
  /** What follows from users and roles, as far as anybody asked; forgotten with every change of them. */
  readonly #rights = new Map<string, Rights>();
  readonly #changed = new Set<() => void>();
  readonly #issued = new Set<(token: IssuedToken) => void>();
  #hasChanged = false;
  #toIssue: IssuedToken[] = [];

  constructor({ facts, users, roles }: StoredAuth) {
    this.#facts = facts;
    this.#users = new Map(users.map((user) => [user.name, user]));
    this.#roles = new Map(roles.map((role) => [role.name, role]));
  }

  // --- What is asked ------------------------------------------------------------------------------------------------

  /** Whether callers must say who they are. */
  get isEnabled(): boolean {
    return this.#facts.enabled;
  }

  get status(): AuthStatus {
    return { enabled: this.#facts.enabled, authRevision: this.#facts.revision };
  }

  get revision(): number {
    return this.#facts.revision;
  }

  /** In the order of their names' bytes. */
  get userNames(): readonly string[] {
    return [...this.#users.keys()].sort(byBytes);
  }

  /** In the order of their names' bytes. */
  get roleNames(): readonly string[] {
    return [...this.#roles.keys()].sort(byBytes);
  }

  /** The user of this name, if there is one. */
  find(name: string): User | undefined {
    return this.#users.get(name);
  }

  /** @throws {@link UserNotFoundError} */
  user(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw new UserNotFoundError(name);
    return user;
  }

  /** @throws {@link RoleNotFoundError} */
  role(name: string): Role {
    const role = this.#roles.get(name);
    if (role === undefined) throw new RoleNotFoundError(name);
    return role;
  }

  /**
   * What a caller may do at present; undefined where nobody is asked who they are, so that everybody may do everything.
   *
   * @throws {@link UserNameEmptyError} if the caller is nobody, and should be somebody
   * @throws {@link AuthRevisionOldError} if the user's password or roles were changed since it was made known
   * @throws {@link PermissionDeniedError} if there is no such user
   */
  rightsOf(caller: Caller): Rights | undefined {
    if (!this.#facts.enabled) return undefined;
    if (caller === 'nobody') throw new UserNameEmptyError();
    const user = this.#users.get(caller.name);
    if (user === undefined) throw new PermissionDeniedError('do anything, for it does not exist');
    this.#assertValid(user, caller.revision);
    const known = this.#rights.get(user.name);
    if (known !== undefined) return known;
    const rights = new Rights(user, rolesOf(user, this.#roles));
    this.#rights.set(user.name, rights);
    return rights;
  }

  /** Whether what was given to a user at that revision still stands. */
  isValid({ name, revision }: { readonly name: string; readonly revision: number }): boolean {
    const user = this.#users.get(name);
    return this.#facts.enabled && user !== undefined && revision >= this.#validFrom(user);
  }

  /**
   * Calls back after each write that has changed anything of this, and before watchers are told what it wrote. The
   * callback must not throw.
   *
   * @returns ends it
   */
  onChange(callback: () => void): () => void {
    this.#changed.add(callback);
    return () => void this.#changed.delete(callback);
  }

  /** Calls back for each token that was issued. The callback must not throw. @returns ends it */
  onIssued(callback: (token: IssuedToken) => void): () => void {
    this.#issued.add(callback);
    return () => void this.#issued.delete(callback);
  }

  // --- Changed by applied entries only ----------------------------------------------------------------------------

  /**
   * Carries out a change, here and in the records.
   *
   * @param index - of the entry
   * @throws what is documented at each kind of change; nothing was changed then
   */
  apply(change: AuthChange, index: number, records: AuthRecords): void {
    switch (change.type) {
      case 'enable':
        return this.#enable(records);
      case 'disable':
        return this.#disable(records);
      case 'userAdd':
        return this.#userAdd(change.name, change.passwordHash, records);
      case 'userPassword':
        return this.#userPassword(change.name, change.passwordHash, records);
      case 'userDelete':
        return this.#userDelete(change.name, records);
      case 'userGrant':
        return this.#userGrant(change.name, change.role, records);
      case 'userRevoke':
        return this.#userRevoke(change.name, change.role, records);
      case 'roleAdd':
        return this.#roleAdd(change.role, records);
      case 'roleDelete':
        return this.#roleDelete(change.role, records);
      case 'roleGrant':
        return this.#roleGrant(change.role, change.permission, records);
      case 'roleRevoke':
        return this.#roleRevoke(change.role, change.range, records);
      case 'token':
        return this.#issue(change, index);
      default:
        return unreachable(change);
    }
  }

  /** Tells those who listen, once what was changed is written. */
  announce(): void {
    const issued = this.#toIssue;
    if (issued.length > 0) this.#toIssue = [];
    for (const token of issued) for (const callback of [...this.#issued]) callback(token);
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    for (const callback of [...this.#changed]) callback();
  }

  /** From now on callers must say who they are. Somebody must be able to end that again. */
  #enable(records: AuthRecords): void {
    if (this.#facts.enabled) return;
    const root = this.#users.get(ROOT);
    if (root === undefined) throw new RootUserMissingError();
    if (!root.roles.includes(ROOT)) throw new RootRoleMissingError();
    this.#saveFacts({ ...this.#facts, enabled: true }, records);
  }

  /** From now on nobody is asked, and no token given so far is ever good again. */
  #disable(records: AuthRecords): void {
    if (!this.#facts.enabled) return;
    const revision = this.#facts.revision + 1;
    this.#saveFacts({ enabled: false, revision, validFrom: revision }, records);
  }

  #userAdd(name: string, passwordHash: string | undefined, records: AuthRecords): void {
    if (name === '') throw new UserNameEmptyError();
    assertNameFits('user', name);
    if (this.#users.has(name)) throw new UserExistsError(name);
    if (this.#users.size >= LIMITS.authUsers) throw tooMany('users', this.#users.size, LIMITS.authUsers);
    const user = { name, roles: [], validFrom: this.#next(records) };
    this.#saveUser(passwordHash === undefined ? user : { ...user, passwordHash }, records);
  }

  /** Who has no password keeps having none. */
  #userPassword(name: string, passwordHash: string, records: AuthRecords): void {
    const user = this.user(name);
    const validFrom = this.#next(records);
    this.#saveUser({ ...user, ...(user.passwordHash !== undefined && { passwordHash }), validFrom }, records);
  }

  #userDelete(name: string, records: AuthRecords): void {
    if (this.#facts.enabled && name === ROOT) {
      throw new InvalidAuthManagementError('user', name, 'another one than "root" while authentication is enabled');
    }
    this.user(name);
    this.#next(records);
    this.#users.delete(name);
    records.removeUser(name);
  }

  /** The role `root` need not exist to be granted. To have a role already is no error, and changes nothing. */
  #userGrant(name: string, role: string, records: AuthRecords): void {
    const user = this.user(name);
    if (role !== ROOT) this.role(role);
    if (user.roles.includes(role)) return;
    const roles = [...user.roles, role].sort(byBytes);
    this.#saveUser({ ...user, roles, validFrom: this.#next(records) }, records);
  }

  #userRevoke(name: string, role: string, records: AuthRecords): void {
    if (this.#facts.enabled && name === ROOT && role === ROOT) {
      throw new InvalidAuthManagementError('role', role, 'kept by the user "root" while authentication is enabled');
    }
    const user = this.user(name);
    if (!user.roles.includes(role)) throw new RoleNotGrantedError(name, role);
    this.#withoutRole(user, role, this.#next(records), records);
  }

  #roleAdd(name: string, records: AuthRecords): void {
    if (name === '') throw new RoleNameEmptyError();
    assertNameFits('role', name);
    if (this.#roles.has(name)) throw new RoleExistsError(name);
    if (this.#roles.size >= LIMITS.authRoles) throw tooMany('roles', this.#roles.size, LIMITS.authRoles);
    this.#next(records);
    this.#saveRole({ name, permissions: [] }, records);
  }

  /** Whoever has the role has it no more. */
  #roleDelete(name: string, records: AuthRecords): void {
    if (this.#facts.enabled && name === ROOT) {
      throw new InvalidAuthManagementError('role', name, 'another one than "root" while authentication is enabled');
    }
    this.role(name);
    const validFrom = this.#next(records);
    this.#roles.delete(name);
    records.removeRole(name);
    const holders = [...this.#users.values()].filter(({ roles }) => roles.includes(name));
    for (const user of holders) this.#withoutRole(user, name, validFrom, records);
  }

  /** A range that the role has already is given what may be done with it anew. */
  #roleGrant(name: string, permission: Permission, records: AuthRecords): void {
    assertIsRange(permission);
    const role = this.role(name);
    const others = role.permissions.filter((other) => !isSameRange(other, permission));
    if (others.length >= LIMITS.authPermissionsPerRole) {
      throw tooMany('permissions of a role', others.length, LIMITS.authPermissionsPerRole);
    }
    this.#next(records);
    this.#saveRole({ name, permissions: [...others, copyOf(permission)].sort(byRange) }, records);
  }

  #roleRevoke(name: string, range: KeyRange, records: AuthRecords): void {
    const role = this.role(name);
    const permissions = role.permissions.filter((other) => !isSameRange(other, range));
    if (permissions.length === role.permissions.length) throw new PermissionNotGrantedError(name, range.key);
    this.#next(records);
    this.#saveRole({ name, permissions }, records);
  }

  /** The password was checked before this was proposed; it may have been changed since. */
  #issue({ user, digest }: Extract<AuthChange, { type: 'token' }>, index: number): void {
    if (!this.#facts.enabled) throw new AuthNotEnabledError();
    const known = this.#users.get(user.name);
    if (known === undefined) throw new InvalidAuthTokenError();
    this.#assertValid(known, user.revision);
    this.#toIssue.push({ user, digest, index });
  }

  // --- Leaves -------------------------------------------------------------------------------------------------------

  #withoutRole(user: User, role: string, validFrom: number, records: AuthRecords): void {
    this.#saveUser({ ...user, roles: user.roles.filter((other) => other !== role), validFrom }, records);
  }

  #assertValid(user: User, revision: number): void {
    const validFrom = this.#validFrom(user);
    if (revision < validFrom) throw new AuthRevisionOldError({ token: revision, changed: validFrom });
  }

  #validFrom(user: User): number {
    return Math.max(user.validFrom, this.#facts.validFrom);
  }

  /** @returns the revision of this change */
  #next(records: AuthRecords): number {
    const revision = this.#facts.revision + 1;
    this.#saveFacts({ ...this.#facts, revision }, records);
    return revision;
  }

  #saveFacts(facts: AuthFacts, records: AuthRecords): void {
    this.#facts = facts;
    this.#rights.clear();
    this.#hasChanged = true;
    records.saveFacts(facts);
  }

  #saveUser(user: User, records: AuthRecords): void {
    this.#users.set(user.name, user);
    records.saveUser(user);
  }

  #saveRole(role: Role, records: AuthRecords): void {
    this.#roles.set(role.name, role);
    records.saveRole(role);
  }
}

function rolesOf(user: User, roles: ReadonlyMap<string, Role>): readonly Role[] {
  return user.roles.map((name) => roles.get(name)).filter((role) => role !== undefined);
}

/** @throws {@link InvalidAuthManagementError}, as etcd calls it */
function assertIsRange({ key, end }: KeyRange): void {
  if (key.length === 0) throw new InvalidAuthManagementError('key', '', 'at least one byte long');
  const bytesMax = LIMITS.authPermissionKeyBytes;
  if (Math.max(key.length, end?.length ?? 0) > bytesMax) {
    throw new InvalidArgumentError('key of a permission', key, `at most ${bytesMax} bytes long`);
  }
  if (end === undefined || isOpenEnded(end) || compareBytes(key, end) < 0) return;
  throw new InvalidAuthManagementError('rangeEnd', end, 'after the key');
}

/** What came in an entry lies in that entry's memory. */
function copyOf({ access, key, end }: Permission): Permission {
  return { access, key: Uint8Array.from(key), ...(end !== undefined && { end: Uint8Array.from(end) }) };
}

function isSameRange(a: KeyRange, b: KeyRange): boolean {
  if (!equalBytes(a.key, b.key)) return false;
  return a.end === undefined || b.end === undefined ? a.end === b.end : equalBytes(a.end, b.end);
}

/** A single key comes before the ranges that begin with it. */
function byRange(a: KeyRange, b: KeyRange): number {
  return compareBytes(a.key, b.key) || compareBytes(a.end ?? NO_BYTES, b.end ?? NO_BYTES);
}

const NO_BYTES = new Uint8Array(0);

function byBytes(a: string, b: string): number {
  return compareBytes(toBytes(a), toBytes(b));
}

function assertNameFits(field: string, name: string): void {
  const { length } = toBytes(name);
  if (length > LIMITS.authNameBytes) {
    throw new InvalidArgumentError(field, name, `at most ${LIMITS.authNameBytes} bytes long`);
  }
}

function tooMany(what: string, count: number, limit: number): InvalidArgumentError {
  return new InvalidArgumentError(what, count + 1, `at most ${limit}`);
}

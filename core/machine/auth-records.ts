import { type AuthRecords, NO_AUTH, type StoredAuth } from '../auth/auth.js';
import type { Role, User } from '../auth/types.js';
import type { Batch, View } from '../backend/backend.js';
import { decodeFacts, decodeRole, decodeUser, encodeFacts, encodeRole, encodeUser } from './auth-codec.js';
import { ByteReader } from './byte-reader.js';

/** Under which keys of the table `meta` users and roles are kept: one record each, and one of what holds for all. */
const FACTS_KEY: Uint8Array = Buffer.from('auth.facts');
const USER_KEYS = 'auth.user.';
const ROLE_KEYS = 'auth.role.';
/** The first text after all that begin as those do. */
const USER_KEYS_END = 'auth.user/';
const ROLE_KEYS_END = 'auth.role/';

/** @throws {@link InvariantError} if a record is of a form that this version does not know */
export function readAuth(view: View): StoredAuth {
  const record = view.get('meta', FACTS_KEY);
  // Users and roles come with the first change of any.
  if (record === undefined) return NO_AUTH;
  const users: User[] = [];
  const roles: Role[] = [];
  const between = (from: string, to: string) => view.scan('meta', { from: Buffer.from(from), to: Buffer.from(to) });
  for (const [, value] of between(USER_KEYS, USER_KEYS_END)) users.push(decodeUser(new ByteReader(value)));
  for (const [, value] of between(ROLE_KEYS, ROLE_KEYS_END)) roles.push(decodeRole(new ByteReader(value)));
  return { facts: decodeFacts(new ByteReader(record)), users, roles };
}

/** Keeps what changes in the same write as all else that the entry changes. */
export function recordsIn(batch: Batch): AuthRecords {
  return {
    saveFacts: (facts) => batch.put('meta', FACTS_KEY, encodeFacts(facts)),
    saveUser: (user) => batch.put('meta', Buffer.from(USER_KEYS + user.name), encodeUser(user)),
    removeUser: (name) => batch.delete('meta', Buffer.from(USER_KEYS + name)),
    saveRole: (role) => batch.put('meta', Buffer.from(ROLE_KEYS + role.name), encodeRole(role)),
    removeRole: (name) => batch.delete('meta', Buffer.from(ROLE_KEYS + name)),
  };
}

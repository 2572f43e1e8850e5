/**
 * Changes of users and roles, and what is kept of them, as bytes.
 *
 * ```text
 * change     = kind · body
 * permission = access · key · [end]          (the access has a flag for an end)
 * facts      = version (1) · enabled · revision · valid from
 * user       = version (1) · has a hash · name · [hash] · roles · valid from
 * role       = version (1) · name · count · permission*
 * ```
 */
import type { AuthChange, AuthFacts, Role, User } from '../auth/types.js';
import { InvariantError, assert, unreachable } from '../base/assert.js';
import type { Access, Permission } from '../base/auth-operation.js';
import type { KeyRange } from '../base/key-value.js';
import type { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

const RECORD_VERSION = 1;

const KIND = {
  enable: 1,
  disable: 2,
  userAdd: 3,
  userPassword: 4,
  userDelete: 5,
  userGrant: 6,
  userRevoke: 7,
  roleAdd: 8,
  roleDelete: 9,
  roleGrant: 10,
  roleRevoke: 11,
  token: 12,
} as const;
const ACCESS: readonly Access[] = ['read', 'write', 'readWrite'];
const END = 0x80;

/** Writes a change behind what the writer has. */
export function writeAuthChange(writer: ByteWriter, change: AuthChange): void {
  writer.byte(KIND[change.type]);
  switch (change.type) {
    case 'enable':
    case 'disable':
      return;
    case 'userAdd':
      writer.byte(change.passwordHash === undefined ? 0 : 1);
      writer.text(change.name);
      if (change.passwordHash !== undefined) writer.text(change.passwordHash);
      return;
    case 'userPassword':
      writer.text(change.name);
      return writer.text(change.passwordHash);
    case 'userDelete':
      return writer.text(change.name);
    case 'userGrant':
    case 'userRevoke':
      writer.text(change.name);
      return writer.text(change.role);
    case 'roleAdd':
    case 'roleDelete':
      return writer.text(change.role);
    case 'roleGrant':
      writer.text(change.role);
      return writePermission(writer, change.permission);
    case 'roleRevoke':
      writer.text(change.role);
      return writePermission(writer, { ...change.range, access: 'read' });
    case 'token':
      writer.text(change.user.name);
      writer.integer(change.user.revision);
      return writer.bytes(change.digest);
    default:
      return unreachable(change);
  }
}

/** @throws {@link InvariantError} if the bytes are not what {@link writeAuthChange} makes */
export function readAuthChange(reader: ByteReader): AuthChange {
  const kind = reader.byte();
  switch (kind) {
    case KIND.enable:
      return { type: 'enable' };
    case KIND.disable:
      return { type: 'disable' };
    case KIND.userAdd: {
      const hasHash = readFlag(reader);
      return { type: 'userAdd', name: reader.text(), passwordHash: hasHash ? reader.text() : undefined };
    }
    case KIND.userPassword:
      return { type: 'userPassword', name: reader.text(), passwordHash: reader.text() };
    case KIND.userDelete:
      return { type: 'userDelete', name: reader.text() };
    case KIND.userGrant:
    case KIND.userRevoke:
      return { type: kind === KIND.userGrant ? 'userGrant' : 'userRevoke', name: reader.text(), role: reader.text() };
    case KIND.roleAdd:
    case KIND.roleDelete:
      return { type: kind === KIND.roleAdd ? 'roleAdd' : 'roleDelete', role: reader.text() };
    case KIND.roleGrant:
      return { type: 'roleGrant', role: reader.text(), permission: readPermission(reader) };
    case KIND.roleRevoke:
      return { type: 'roleRevoke', role: reader.text(), range: readRange(reader) };
    case KIND.token:
      return { type: 'token', user: { name: reader.text(), revision: reader.integer() }, digest: reader.bytes() };
    default:
      throw new InvariantError(`a change of users and roles is of an unknown kind: ${kind}`);
  }
}

// --- What is kept -------------------------------------------------------------------------------------------------

/** A record of its own each time, as a batch keeps it. */
export function encodeFacts({ enabled, revision, validFrom }: AuthFacts): Uint8Array {
  const writer = recordWriter();
  writer.byte(enabled ? 1 : 0);
  writer.integer(revision);
  writer.integer(validFrom);
  return writer.finish();
}

/** @throws {@link InvariantError} if the record is of a form that this version does not know; so all readers here */
export function decodeFacts(reader: ByteReader): AuthFacts {
  assertVersion(reader);
  const facts = { enabled: readFlag(reader), revision: reader.integer(), validFrom: reader.integer() };
  reader.end();
  return facts;
}

/** As {@link encodeFacts}. */
export function encodeUser({ name, passwordHash, roles, validFrom }: User): Uint8Array {
  const writer = recordWriter();
  writer.byte(passwordHash === undefined ? 0 : 1);
  writer.text(name);
  if (passwordHash !== undefined) writer.text(passwordHash);
  writer.texts(roles);
  writer.integer(validFrom);
  return writer.finish();
}

/** As {@link decodeFacts}. */
export function decodeUser(reader: ByteReader): User {
  assertVersion(reader);
  const hasHash = readFlag(reader);
  const name = reader.text();
  const passwordHash = hasHash ? { passwordHash: reader.text() } : {};
  const user = { name, ...passwordHash, roles: reader.texts(), validFrom: reader.integer() };
  reader.end();
  return user;
}

/** As {@link encodeFacts}. */
export function encodeRole({ name, permissions }: Role): Uint8Array {
  const writer = recordWriter();
  writer.text(name);
  writer.length(permissions.length);
  for (const permission of permissions) writePermission(writer, permission);
  return writer.finish();
}

/** As {@link decodeFacts}. What it gives lies in memory of its own. */
export function decodeRole(reader: ByteReader): Role {
  assertVersion(reader);
  const name = reader.text();
  const permissions: Permission[] = [];
  for (let left = reader.length(); left > 0; left -= 1) permissions.push(inOwnMemory(readPermission(reader)));
  reader.end();
  return { name, permissions };
}

function recordWriter(): ByteWriter {
  const writer = new ByteWriter();
  writer.byte(RECORD_VERSION);
  return writer;
}

function assertVersion(reader: ByteReader): void {
  assert(reader.byte() === RECORD_VERSION, 'what is kept of users and roles has a version that this program knows');
}

// --- Small things -------------------------------------------------------------------------------------------------

function writePermission(writer: ByteWriter, { access, key, end }: Permission): void {
  writer.byte(ACCESS.indexOf(access) | (end === undefined ? 0 : END));
  writer.bytes(key);
  if (end !== undefined) writer.bytes(end);
}

function readPermission(reader: ByteReader): Permission {
  const what = reader.byte();
  const access = ACCESS[what & ~END];
  assert(access !== undefined, 'a permission allows to read, to write, or both');
  const key = reader.bytes();
  return what & END ? { access, key, end: reader.bytes() } : { access, key };
}

function readRange(reader: ByteReader): KeyRange {
  const { access, ...range } = readPermission(reader);
  assert(access === 'read', 'a range alone is written in one way');
  return range;
}

function inOwnMemory({ access, key, end }: Permission): Permission {
  return { access, key: Uint8Array.from(key), ...(end !== undefined && { end: Uint8Array.from(end) }) };
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.byte();
  assert(flag <= 1, 'a flag of a user or of the facts is 0 or 1');
  return flag === 1;
}

/** Users, roles and authentication, told. */
import { prefix } from '../../../base/key-range.js';
import {
  AuthRoleGetResponse,
  AuthRoleListResponse,
  AuthStatusResponse,
  AuthUserGetResponse,
  AuthUserListResponse,
} from '../../../rpc/gen/auth.js';
import { type Permission, Permission_Type as Type } from '../../../rpc/gen/authpb.js';
import { toJson } from '../../print/go-json.js';
import { goQuote } from '../../print/go-quote.js';
import type { Line, Words } from '../../print/printer.js';
import { headerFields } from '../header-words.js';

export const USER_WORDS: Words<{ readonly name: string; readonly answer: AuthUserGetResponse }> = {
  simple: ({ name, answer }) => [`User: ${name}`, `Roles:${answer.roles.map((role) => ` ${role}`).join('')}`],
  json: ({ answer }) => toJson(answer),
  fields: ({ answer: { header, roles } }) => [...headerFields(header), listField('Roles', roles)],
  protobuf: ({ answer }) => AuthUserGetResponse.encode(answer),
};

export const USERS_WORDS: Words<AuthUserListResponse> = {
  simple: ({ users }) => users,
  json: toJson,
  fields: ({ header, users }) => [...headerFields(header), listField('Users', users)],
  protobuf: (answer) => AuthUserListResponse.encode(answer),
};

export const ROLES_WORDS: Words<AuthRoleListResponse> = {
  simple: ({ roles }) => roles,
  json: toJson,
  fields: ({ header, roles }) => [...headerFields(header), listField('Roles', roles)],
  protobuf: (answer) => AuthRoleListResponse.encode(answer),
};

export const ROLE_WORDS: Words<{ readonly name: string; readonly answer: AuthRoleGetResponse }> = {
  simple: ({ name, answer: { perm } }) => [
    `Role ${name}`,
    'KV Read:',
    ...perm.filter(({ permType }) => permType !== Type.WRITE).map(permissionLine),
    'KV Write:',
    ...perm.filter(({ permType }) => permType !== Type.READ).map(permissionLine),
  ],
  json: ({ answer }) => toJson(answer),
  fields: ({ answer: { header, perm } }) => [
    ...headerFields(header),
    ...perm.flatMap(({ permType, key, rangeEnd }) => [
      // Two spaces, as etcdctl has it.
      `"PermType" :  ${TYPES[permType]}`,
      `"Key" : ${goQuote(key)}`,
      `"RangeEnd" : ${goQuote(rangeEnd)}`,
    ]),
  ],
  protobuf: ({ answer }) => AuthRoleGetResponse.encode(answer),
};

export const STATUS_WORDS: Words<AuthStatusResponse> = {
  simple: ({ enabled, authRevision }) => [`Authentication Status: ${enabled}`, `AuthRevision: ${authRevision}`],
  json: toJson,
  fields: ({ header, enabled, authRevision }) => [
    ...headerFields(header),
    `"Enabled" : ${enabled}`,
    `"AuthRevision" : ${authRevision}`,
  ],
  protobuf: (answer) => AuthStatusResponse.encode(answer),
};

const TYPES: Readonly<Record<Type, string>> = {
  [Type.READ]: 'READ',
  [Type.WRITE]: 'WRITE',
  [Type.READWRITE]: 'READWRITE',
  [Type.UNRECOGNIZED]: 'UNRECOGNIZED',
};

/** A range in etcdctl's brackets; an open one has no closing one there. */
export function rangeText(key: Buffer, rangeEnd: Buffer): Buffer {
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  const end = isOpen ? [Buffer.from('<open ended>')] : [rangeEnd, Buffer.from(')')];
  return Buffer.concat([Buffer.from('['), key, Buffer.from(', '), ...end]);
}

function permissionLine({ key, rangeEnd }: Permission): Line {
  if (rangeEnd.length === 0) return Buffer.concat([Buffer.from('\t'), key]);
  const end = prefix(key).end;
  const isPrefix = end !== undefined && rangeEnd.equals(end);
  const note = isPrefix ? [Buffer.from(' (prefix '), key, Buffer.from(')')] : [];
  return Buffer.concat([Buffer.from('\t'), rangeText(key, rangeEnd), ...note]);
}

function listField(name: string, items: readonly string[]): string {
  return `"${name}" :${items.map((item) => ` ${goQuote(item)}`).join('')}`;
}

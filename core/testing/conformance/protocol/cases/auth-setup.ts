/** What cases of authentication begin with. */
import { call, gives, named } from '../notation.js';
import type { Call, Expected, Fields, Outcome, Step } from '../rule.js';
import { ROOT_PASSWORD } from '../server-under-test.js';

/** A method of the Auth service. */
export function auth(
  method: string,
  request: Fields,
  expects?: Expected<Outcome>,
  headers: Readonly<Record<string, string>> = {},
): Call {
  return call(`Auth/${method}` as never, request, expects, headers);
}

/** Headers of a user whose token has arrived. */
export function as(user: string): Readonly<Record<string, string>> {
  return { token: `{@${user}}` };
}

export const userAdd = (name: string, password = `${name}-password`) => auth('UserAdd', { name, password });
export const roleAdd = (name: string) => auth('RoleAdd', { name });
export const grantRole = (user: string, role: string) => auth('UserGrantRole', { user, role });
export const grant = (role: string, permType: string, key: string, rangeEnd = '') =>
  auth('RoleGrantPermission', { name: role, perm: { permType, key, rangeEnd } });

/** Takes a token: `as(name)` uses it. */
export function login(name: string, password = name === 'root' ? ROOT_PASSWORD : `${name}-password`): Call {
  return auth('Authenticate', { name, password }, gives({ token: named(name) }));
}

export const ROOT: readonly Step[] = [roleAdd('root'), userAdd('root', ROOT_PASSWORD), grantRole('root', 'root')];
export const ENABLED: readonly Step[] = [...ROOT, auth('AuthEnable', {}), login('root')];

/** Authentication on, and a user whose role may do this. */
export function enabledFor(
  user: string,
  ...permissions: readonly (readonly [type: string, key: string, end?: string])[]
) {
  return [
    roleAdd('r'),
    ...permissions.map(([permType, key, rangeEnd]) => grant('r', permType, key, rangeEnd)),
    userAdd(user),
    grantRole(user, 'r'),
    ...ENABLED,
    login(user),
  ];
}

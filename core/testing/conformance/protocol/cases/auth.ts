import {
  anything,
  at,
  fails,
  gives,
  introduced,
  like,
  named,
  on,
  onPurpose,
  positive,
  range,
  rule,
  since,
  topic,
} from '../notation.js';
import type { Expected, Fields, Outcome } from '../rule.js';
import { as, auth, ENABLED, grant, grantRole, login, ROOT, roleAdd, userAdd } from './auth-setup.js';
import {
  AUTH_FAILED,
  AUTH_OFF,
  BAD_AUTH_MANAGEMENT,
  BAD_TOKEN,
  DENIED,
  NO_PERMISSION_GIVEN,
  NO_ROLE_NAME,
  NO_ROOT,
  NO_USER_NAME,
  PERMISSION_NOT_GRANTED,
  ROLE_EXISTS,
  ROLE_NOT_FOUND,
  ROLE_NOT_GRANTED,
  ROOT_WITHOUT_ROLE,
  USER_EXISTS,
  USER_NOT_FOUND,
} from './wire-errors.js';

const users = (...names: readonly string[]) => auth('UserList', {}, gives(names.length === 0 ? {} : { users: names }));
const roles = (...names: readonly string[]) => auth('RoleList', {}, gives(names.length === 0 ? {} : { roles: names }));
const rolesOf = (name: string, ...granted: readonly string[]) =>
  auth('UserGet', { name }, gives(granted.length === 0 ? {} : { roles: granted }));
const permissionsOf = (role: string, ...perm: readonly object[]) =>
  auth('RoleGet', { role }, gives(perm.length === 0 ? {} : { perm }));
const revoke = (role: string, key: string, rangeEnd = '', expects?: Expected<Outcome>) =>
  auth('RoleRevokePermission', { role, key, rangeEnd }, expects);

/** A token that nobody looks at while authentication is off; older versions do. */
const UNLOOKED_AT = since('3.4.28 3.5.10', at('r'), { before: BAD_TOKEN });
const NO_PASSWORD_USER = fails('UNKNOWN', 'auth: authentication failed, password was given for no password user');

/** Of bcrypt, of the password "p". */
const HASHED = 'JDJhJDA0JDhMTVlLc0pFc0p5eUtwS3E0bDlxLmVSWWJtdXFxZ0NMNGxLcGxZbm1uN1YxWWp0dmF2YWJl';
const HASHED_REFUSED = fails('INVALID_ARGUMENT', like(/^hashedPassword is .* it must be absent/));
const TOO_LONG_FOR_BCRYPT = fails('UNKNOWN', 'bcrypt: password length exceeds 72 bytes');
const changeTo = (password: Fields) => auth('UserChangePassword', { name: 'a', ...password }, at('r'));

export const authManagement = topic(
  'Auth',
  on(
    'auth',
    // --- Users ------------------------------------------------------------------------------------------------------
    rule('there are no users in the beginning', users()),
    rule('a user is added', auth('UserAdd', { name: 'a', password: 'p' }, at('r')), users('a'), rolesOf('a')),
    rule('users are listed by their names', userAdd('b'), userAdd('a'), userAdd('c'), users('a', 'b', 'c')),
    rule('a user needs a name', auth('UserAdd', { password: 'p' }, NO_USER_NAME)),
    rule('a user is not added twice', userAdd('a'), auth('UserAdd', { name: 'a', password: 'q' }, USER_EXISTS)),
    rule('a user may have an empty password', auth('UserAdd', { name: 'a' }, at('r'))),
    rule('a user may have no password', auth('UserAdd', { name: 'a', options: { noPassword: true } }, at('r'))),
    rule('a user that is not there is not told', auth('UserGet', { name: 'a' }, USER_NOT_FOUND)),
    rule('a user is deleted', userAdd('a'), auth('UserDelete', { name: 'a' }, at('r')), users()),
    rule('a user that is not there is not deleted', auth('UserDelete', { name: 'a' }, USER_NOT_FOUND)),
    rule('a user without a name is not deleted', auth('UserDelete', {}, USER_NOT_FOUND)),
    rule('a password is changed', userAdd('a'), auth('UserChangePassword', { name: 'a', password: 'q' }, at('r'))),
    rule(
      'the password of a user that is not there is not changed',
      auth('UserChangePassword', { name: 'a', password: 'q' }, USER_NOT_FOUND),
    ),

    rule('a password of a user without a name is not changed', auth('UserChangePassword', {}, USER_NOT_FOUND)),
    rule('a user without a name is not told', auth('UserGet', {}, USER_NOT_FOUND)),
    rule(
      'names are of any letters',
      auth('UserAdd', { name: 'a b/\n', password: 'p' }, at('r')),
      auth('RoleAdd', { name: ' /' }, at('r')),
      auth('UserGrantRole', { user: 'a b/\n', role: ' /' }, at('r')),
      rolesOf('a b/\n', ' /'),
    ),
    ...[auth('UserAdd', { name: 'a', hashedPassword: HASHED }), changeTo({ hashedPassword: HASHED })].map((of) =>
      rule(`a password is hashed here: ${of.method}`, of.method === 'Auth/UserAdd' ? [] : userAdd('a'), {
        ...of,
        expects: onPurpose('passwords-are-hashed-here', { etcd: at('r'), conclave: HASHED_REFUSED }),
      }),
    ),
    rule(
      'a long password counts to its last letter',
      auth(
        'UserAdd',
        { name: 'a', password: `${'x'.repeat(79)}1` },
        onPurpose('long-passwords-count-to-their-end', {
          etcd: since('3.4.28 3.5.10', TOO_LONG_FOR_BCRYPT, { before: at('r') }),
          conclave: at('r'),
        }),
      ),
      ENABLED,
      auth(
        'Authenticate',
        { name: 'a', password: `${'x'.repeat(79)}2` },
        onPurpose('long-passwords-count-to-their-end', {
          etcd: since('3.4.28 3.5.10', AUTH_FAILED, { before: gives({ token: anything }) }),
          conclave: AUTH_FAILED,
        }),
      ),
    ),
    ...(
      [
        ['a name of a user', auth('UserAdd', { name: 'a'.repeat(257), password: 'p' })],
        ['a name of a role', auth('RoleAdd', { name: 'r'.repeat(257) })],
        ['a password', auth('UserAdd', { name: 'a', password: 'p'.repeat(1_025) })],
      ] as const
    ).map(([name, of]) =>
      rule(`${name} that is very long`, {
        ...of,
        expects: onPurpose('everything-has-a-bound', {
          etcd: name === 'a password' ? since('3.4.28 3.5.10', TOO_LONG_FOR_BCRYPT, { before: at('r') }) : at('r'),
          conclave: fails('INVALID_ARGUMENT', like(/ (at most|bytes)/)),
        }),
      }),
    ),
    rule(
      'a user that is to have no password is given none',
      auth('UserAdd', { name: 'a', password: 'p', options: { noPassword: true } }, at('r')),
      ENABLED,
      auth('Authenticate', { name: 'a', password: 'p' }, NO_PASSWORD_USER),
    ),
    rule(
      'a user without a password is not given one later',
      auth('UserAdd', { name: 'a', options: { noPassword: true } }),
      changeTo({ password: 'p' }),
      ENABLED,
      auth('Authenticate', { name: 'a', password: 'p' }, NO_PASSWORD_USER),
    ),
    rule(
      'a password may be changed to the empty one',
      userAdd('a'),
      changeTo({ password: '' }),
      ENABLED,
      login('a', ''),
    ),

    // --- Roles ------------------------------------------------------------------------------------------------------
    rule('a role without a name is not told', auth('RoleGet', {}, ROLE_NOT_FOUND)),
    rule('a role without a name is not deleted', auth('RoleDelete', {}, ROLE_NOT_FOUND)),
    rule('a role without a name is not granted', userAdd('a'), auth('UserGrantRole', { user: 'a' }, ROLE_NOT_FOUND)),
    rule(
      'a user without a name is granted nothing',
      roleAdd('r'),
      auth('UserGrantRole', { role: 'r' }, USER_NOT_FOUND),
    ),
    rule(
      'the role root tells that it may do everything',
      roleAdd('root'),
      roles('root'),
      auth(
        'RoleGet',
        { role: 'root' },
        since('3.6', gives({ perm: [{ permType: 'READWRITE', rangeEnd: '\0' }] }), { before: gives({}) }),
      ),
    ),
    rule(
      'a user keeps the roles that are not taken away',
      roleAdd('r'),
      roleAdd('s'),
      userAdd('a'),
      grantRole('a', 's'),
      grantRole('a', 'r'),
      auth('UserRevokeRole', { name: 'a', role: 'r' }),
      rolesOf('a', 's'),
    ),
    rule('there are no roles in the beginning', roles()),
    rule('a role is added', auth('RoleAdd', { name: 'r' }, at('r')), roles('r'), permissionsOf('r')),
    rule('roles are listed by their names', roleAdd('b'), roleAdd('a'), roles('a', 'b')),
    rule('a role needs a name', auth('RoleAdd', {}, NO_ROLE_NAME)),
    rule('a role is not added twice', roleAdd('r'), auth('RoleAdd', { name: 'r' }, ROLE_EXISTS)),
    rule('a role that is not there is not told', auth('RoleGet', { role: 'r' }, ROLE_NOT_FOUND)),
    rule('a role is deleted', roleAdd('r'), auth('RoleDelete', { role: 'r' }, at('r')), roles()),
    rule('a role that is not there is not deleted', auth('RoleDelete', { role: 'r' }, ROLE_NOT_FOUND)),
    rule(
      'a role that is deleted is taken from its users',
      roleAdd('r'),
      userAdd('a'),
      grantRole('a', 'r'),
      auth('RoleDelete', { role: 'r' }),
      rolesOf('a'),
    ),

    // --- Roles of users ---------------------------------------------------------------------------------------------
    rule(
      'a user is granted a role',
      roleAdd('r'),
      userAdd('a'),
      auth('UserGrantRole', { user: 'a', role: 'r' }, at('r')),
      rolesOf('a', 'r'),
    ),
    rule(
      'the roles of a user are told by their names',
      roleAdd('s'),
      roleAdd('r'),
      userAdd('a'),
      grantRole('a', 's'),
      grantRole('a', 'r'),
      rolesOf('a', 'r', 's'),
    ),
    rule(
      'a role is granted twice without an error',
      roleAdd('r'),
      userAdd('a'),
      grantRole('a', 'r'),
      auth('UserGrantRole', { user: 'a', role: 'r' }, at('r')),
      rolesOf('a', 'r'),
    ),
    rule(
      'a user that is not there is granted nothing',
      roleAdd('r'),
      auth('UserGrantRole', { user: 'a', role: 'r' }, USER_NOT_FOUND),
    ),
    rule(
      'a role that is not there is not granted',
      userAdd('a'),
      auth('UserGrantRole', { user: 'a', role: 'r' }, ROLE_NOT_FOUND),
    ),
    rule(
      'a missing user is told before a missing role',
      auth('UserGrantRole', { user: 'a', role: 'r' }, USER_NOT_FOUND),
    ),
    rule(
      'the role root is granted though nobody added it',
      userAdd('a'),
      auth('UserGrantRole', { user: 'a', role: 'root' }, at('r')),
      rolesOf('a', 'root'),
    ),
    rule(
      'a role is taken away',
      roleAdd('r'),
      userAdd('a'),
      grantRole('a', 'r'),
      auth('UserRevokeRole', { name: 'a', role: 'r' }, at('r')),
      rolesOf('a'),
    ),
    rule(
      'a role that was not granted is not taken away',
      roleAdd('r'),
      userAdd('a'),
      auth('UserRevokeRole', { name: 'a', role: 'r' }, ROLE_NOT_GRANTED),
    ),
    rule(
      'a role that is not there is not taken away',
      userAdd('a'),
      auth('UserRevokeRole', { name: 'a', role: 'r' }, ROLE_NOT_GRANTED),
    ),
    rule('a user that is not there loses no role', auth('UserRevokeRole', { name: 'a', role: 'r' }, USER_NOT_FOUND)),

    // --- Permissions ------------------------------------------------------------------------------------------------
    ...(['READ', 'WRITE', 'READWRITE'] as const).map((permType) =>
      rule(
        `a role is given the permission to ${permType}`,
        roleAdd('r'),
        auth('RoleGrantPermission', { name: 'r', perm: { permType, key: 'k', rangeEnd: 'l' } }, at('r')),
        permissionsOf('r', { ...(permType !== 'READ' && { permType }), key: 'k', rangeEnd: 'l' }),
      ),
    ),
    rule(
      'permissions are told by their keys',
      roleAdd('r'),
      grant('r', 'READ', 'b'),
      grant('r', 'WRITE', 'a', 'b'),
      permissionsOf('r', { permType: 'WRITE', key: 'a', rangeEnd: 'b' }, { key: 'b' }),
    ),
    rule(
      'a permission for the same range replaces the one before',
      roleAdd('r'),
      grant('r', 'READ', 'a'),
      grant('r', 'WRITE', 'a'),
      permissionsOf('r', { permType: 'WRITE', key: 'a' }),
    ),
    rule(
      'permissions for one key and for a range from it are two',
      roleAdd('r'),
      grant('r', 'READ', 'a'),
      grant('r', 'WRITE', 'a', 'b'),
      permissionsOf('r', { key: 'a' }, { permType: 'WRITE', key: 'a', rangeEnd: 'b' }),
    ),
    rule(
      'a permission from a key on is told as it was given',
      roleAdd('r'),
      grant('r', 'READ', 'a', '\0'),
      permissionsOf('r', { key: 'a', rangeEnd: '\0' }),
    ),
    rule(
      'a role that is not there is given nothing',
      auth('RoleGrantPermission', { name: 'r', perm: { key: 'k' } }, ROLE_NOT_FOUND),
    ),
    // It ends an etcd 3.4.
    introduced(
      '3.5',
      rule(
        'a role is not given nothing',
        roleAdd('r'),
        auth('RoleGrantPermission', { name: 'r' }, NO_PERMISSION_GIVEN),
      ),
    ),
    ...(
      [
        ['its end is its key', 'k', 'k'],
        ['its end is before its key', 'l', 'k'],
      ] as const
    ).map(([name, key, rangeEnd]) =>
      rule(
        `a permission for an empty range is refused: ${name}`,
        roleAdd('r'),
        auth(
          'RoleGrantPermission',
          { name: 'r', perm: { key, rangeEnd } },
          since('3.4.25 3.5.8', BAD_AUTH_MANAGEMENT, { before: at('r') }),
        ),
      ),
    ),
    rule(
      'a permission is taken back',
      roleAdd('r'),
      grant('r', 'READ', 'k', 'l'),
      revoke('r', 'k', 'l', at('r')),
      permissionsOf('r'),
    ),
    rule(
      'a permission for another range is not taken back',
      roleAdd('r'),
      grant('r', 'READ', 'k', 'l'),
      revoke('r', 'k', 'm', PERMISSION_NOT_GRANTED),
    ),
    rule(
      'a permission for a key is not one for a range',
      roleAdd('r'),
      grant('r', 'READ', 'k', 'l'),
      revoke('r', 'k', '', PERMISSION_NOT_GRANTED),
    ),
    rule('a role that is not there loses nothing', revoke('r', 'k', '', ROLE_NOT_FOUND)),

    rule(
      'a permission for no key is none',
      roleAdd('r'),
      auth(
        'RoleGrantPermission',
        { name: 'r', perm: { permType: 'READ' } },
        since('3.4.25 3.5.8', BAD_AUTH_MANAGEMENT, { before: at('r') }),
      ),
    ),
    rule(
      'a permission from the first key on is one for all',
      roleAdd('r'),
      auth('RoleGrantPermission', { name: 'r', perm: { permType: 'READ', key: '\0', rangeEnd: '\0' } }, at('r')),
      permissionsOf('r', { key: '\0', rangeEnd: '\0' }),
    ),
    rule(
      'a permission of a kind that does not exist',
      roleAdd('r'),
      auth(
        'RoleGrantPermission',
        { name: 'r', perm: { permType: 9, key: 'k' } },
        onPurpose('permissions-that-do-not-exist', {
          etcd: at('r'),
          conclave: fails('INVALID_ARGUMENT', like(/^permType is 9/)),
        }),
      ),
    ),
    rule(
      'permissions may overlap, and are told as they were given',
      roleAdd('r'),
      grant('r', 'READ', 'a', 'c'),
      grant('r', 'WRITE', 'b', 'd'),
      grant('r', 'READ', 'a', 'd'),
      permissionsOf(
        'r',
        { key: 'a', rangeEnd: 'c' },
        { key: 'a', rangeEnd: 'd' },
        { permType: 'WRITE', key: 'b', rangeEnd: 'd' },
      ),
    ),
    rule(
      'a permission within another is taken back by itself',
      roleAdd('r'),
      grant('r', 'READ', 'a', 'd'),
      grant('r', 'READ', 'b'),
      revoke('r', 'b', '', at('r')),
      permissionsOf('r', { key: 'a', rangeEnd: 'd' }),
    ),
    rule(
      'a permission is not taken back twice',
      roleAdd('r'),
      grant('r', 'READ', 'k'),
      revoke('r', 'k', '', at('r')),
      revoke('r', 'k', '', PERMISSION_NOT_GRANTED),
    ),

    // --- On and off -------------------------------------------------------------------------------------------------
    rule('authentication needs a root', auth('AuthEnable', {}, NO_ROOT)),
    rule('authentication needs a root that has its role', userAdd('root'), auth('AuthEnable', {}, ROOT_WITHOUT_ROLE)),
    rule('authentication is switched on', ROOT, auth('AuthEnable', {}, at('r')), range({ key: '~a' }, NO_USER_NAME)),
    rule('authentication is switched on twice by root', ENABLED, auth('AuthEnable', {}, at('r'), as('root'))),
    rule(
      'authentication is switched off',
      ENABLED,
      auth('AuthDisable', {}, at('r'), as('root')),
      range({ key: '~a' }, at('r')),
    ),
    rule('authentication that is off is switched off', auth('AuthDisable', {}, at('r'))),
    rule(
      'a token that was given before authentication was off is of no account',
      ENABLED,
      auth('AuthDisable', {}, at('r'), as('root')),
      range({ key: '~a' }, UNLOOKED_AT, as('root')),
    ),
    rule('any token will do while authentication is off', range({ key: '~a' }, UNLOOKED_AT, { token: 'nonsense' })),
    introduced(
      '3.5',
      rule('the status tells that authentication is off', auth('AuthStatus', {}, gives({ authRevision: positive }))),
      rule(
        'the status tells that authentication is on',
        ENABLED,
        auth('AuthStatus', {}, gives({ enabled: true, authRevision: positive }), as('root')),
      ),
    ),
    introduced(
      '3.7',
      rule(
        'the status is told to everybody',
        ENABLED,
        auth('AuthStatus', {}, gives({ enabled: true, authRevision: positive })),
      ),
    ),

    // --- Tokens -----------------------------------------------------------------------------------------------------
    rule(
      'nobody logs in while authentication is off',
      userAdd('a'),
      auth('Authenticate', { name: 'a', password: 'a-password' }, AUTH_OFF),
    ),
    rule(
      'a user logs in',
      ENABLED,
      auth('Authenticate', { name: 'root', password: 'root-password' }, at('r', { token: anything })),
    ),
    rule('a wrong password is refused', ENABLED, auth('Authenticate', { name: 'root', password: 'x' }, AUTH_FAILED)),
    rule('no password is refused', ENABLED, auth('Authenticate', { name: 'root' }, AUTH_FAILED)),
    rule(
      'a user that is not there is refused in the same words',
      ENABLED,
      auth('Authenticate', { name: 'x', password: 'x' }, AUTH_FAILED),
    ),
    rule('no user is refused in the same words', ENABLED, auth('Authenticate', {}, AUTH_FAILED)),
    rule(
      'an empty password is a password',
      auth('UserAdd', { name: 'a' }),
      ENABLED,
      auth('Authenticate', { name: 'a', password: '' }, gives({ token: anything })),
    ),
    rule(
      'a user without a password does not log in with one',
      auth('UserAdd', { name: 'a', options: { noPassword: true } }),
      ENABLED,
      auth('Authenticate', { name: 'a', password: '' }, NO_PASSWORD_USER),
    ),
    rule('a token that nobody gave is refused', ENABLED, range({ key: '~a' }, BAD_TOKEN, { token: 'nonsense' })),
    rule(
      'a token that looks right is refused',
      ENABLED,
      range({ key: '~a' }, BAD_TOKEN, { token: 'abcdefghijklmnop.1' }),
    ),
    rule('an empty token is refused', ENABLED, range({ key: '~a' }, BAD_TOKEN, { token: '' })),
    rule('a token may come as authorization', ENABLED, range({ key: '~a' }, at('r'), { authorization: '{@root}' })),
    rule(
      'a token may come as a bearer',
      ENABLED,
      range({ key: '~a' }, since('3.5', at('r'), { before: BAD_TOKEN }), { authorization: 'Bearer {@root}' }),
    ),
    rule('two logins give two tokens that hold', ENABLED, login('root'), range({ key: '~a' }, at('r'), as('root'))),
    rule(
      'a token ends with a change of the password',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserChangePassword', { name: 'a', password: 'q' }, at('r'), as('root')),
      range({ key: '~a' }, BAD_TOKEN, as('a')),
      auth('Authenticate', { name: 'a', password: 'a-password' }, AUTH_FAILED),
      login('a', 'q'),
    ),
    rule(
      'a token ends with its user',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserDelete', { name: 'a' }, at('r'), as('root')),
      range({ key: '~a' }, BAD_TOKEN, as('a')),
    ),
    rule(
      "a token ends when its user's roles change",
      userAdd('a'),
      roleAdd('r'),
      ENABLED,
      login('a'),
      auth('UserGrantRole', { user: 'a', role: 'r' }, at('r'), as('root')),
      auth('UserRevokeRole', { name: 'a', role: 'r' }, at('r'), as('root')),
      range({ key: '~a' }, onPurpose('tokens-end-with-role-changes', { etcd: DENIED, conclave: BAD_TOKEN }), as('a')),
    ),

    rule(
      'a token of a user who was deleted is not one of a user of the same name',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserDelete', { name: 'a' }, at('r'), as('root')),
      auth('UserAdd', { name: 'a', password: 'a-password' }, at('r'), as('root')),
      range({ key: '~a' }, BAD_TOKEN, as('a')),
    ),
    rule(
      'a token goes on when somebody else is changed',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserAdd', { name: 'b', password: 'p' }, at('r'), as('root')),
      auth('UserChangePassword', { name: 'b', password: 'q' }, at('r'), as('root')),
      auth('UserGet', { name: 'a' }, gives({}), as('a')),
    ),
    rule(
      'a token goes on when the permissions of its role change',
      userAdd('a'),
      roleAdd('r'),
      grantRole('a', 'r'),
      ENABLED,
      login('a'),
      auth('RoleGrantPermission', { name: 'r', perm: { key: '~a' } }, at('r'), as('root')),
      range({ key: '~a' }, at('r'), as('a')),
    ),
    rule(
      'an older token holds beside a newer one',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('Authenticate', { name: 'a', password: 'a-password' }, gives({ token: named('newer') })),
      auth('UserGet', { name: 'a' }, gives({}), as('a')),
      auth('UserGet', { name: 'a' }, gives({}), as('newer')),
    ),
    rule(
      'a token names its user, whatever else a call says',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserGet', { name: 'root' }, DENIED, { ...as('a'), authorization: '{@root}' }),
    ),
    rule(
      'whoever logs in sends no token that is none',
      userAdd('a'),
      ENABLED,
      auth('Authenticate', { name: 'a', password: 'a-password' }, BAD_TOKEN, { token: 'nonsense' }),
    ),

    // --- Who may manage ---------------------------------------------------------------------------------------------
    rule(
      'root cannot be deleted while authentication is on',
      ENABLED,
      auth('UserDelete', { name: 'root' }, BAD_AUTH_MANAGEMENT, as('root')),
    ),
    rule(
      "root's role cannot be deleted while authentication is on",
      ENABLED,
      auth('RoleDelete', { role: 'root' }, BAD_AUTH_MANAGEMENT, as('root')),
    ),
    rule(
      'root cannot lose its role while authentication is on',
      ENABLED,
      auth('UserRevokeRole', { name: 'root', role: 'root' }, BAD_AUTH_MANAGEMENT, as('root')),
    ),
    rule('root may be deleted while authentication is off', ROOT, auth('UserDelete', { name: 'root' }, at('r'))),
    rule(
      "a user's own roles are told to it",
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserGet', { name: 'a' }, gives({}), as('a')),
    ),
    rule(
      "a user's own role is told to it",
      roleAdd('r'),
      userAdd('a'),
      grantRole('a', 'r'),
      ENABLED,
      login('a'),
      auth('RoleGet', { role: 'r' }, gives({}), as('a')),
    ),
    rule(
      'the role of somebody else is not told to a user',
      roleAdd('r'),
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('RoleGet', { role: 'r' }, DENIED, as('a')),
    ),
    rule(
      'whether there is somebody else is not told to a user',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserGet', { name: 'nobody' }, DENIED, as('a')),
      auth('RoleGet', { role: 'nothing' }, DENIED, as('a')),
    ),
    rule(
      'a user does not change its own password',
      userAdd('a'),
      ENABLED,
      login('a'),
      auth('UserChangePassword', { name: 'a', password: 'q' }, DENIED, as('a')),
    ),
    rule(
      'another user with the role root may do what root may',
      userAdd('a'),
      ENABLED,
      auth('UserGrantRole', { user: 'a', role: 'root' }, at('r'), as('root')),
      login('a'),
      auth('UserList', {}, gives({ users: ['a', 'root'] }), as('a')),
      range({ key: '~a' }, at('r'), as('a')),
      auth('UserRevokeRole', { name: 'a', role: 'root' }, at('r'), as('root')),
    ),
    rule(
      'root without its role may not be where authentication is on',
      ENABLED,
      auth('UserDelete', { name: 'root' }, BAD_AUTH_MANAGEMENT, as('root')),
      auth('UserRevokeRole', { name: 'root', role: 'root' }, BAD_AUTH_MANAGEMENT, as('root')),
      auth('UserGet', { name: 'root' }, gives({ roles: ['root'] }), as('root')),
    ),
  ),
);

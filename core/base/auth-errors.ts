/** What may come of users, roles and permissions. */
import { CoordinationError, show } from './coordination-error.js';
import { InvalidArgumentError } from './request-errors.js';

// --- Who asks ---------------------------------------------------------------------------------------------------

/**
 * Nobody is named: the call came without a token while users are asked for, or the name given is empty (etcd: "user name
 * is empty"). Authenticate, and send the token with the call.
 */
export class UserNameEmptyError extends InvalidArgumentError {
  override readonly code = 'USER_NAME_EMPTY';
  constructor() {
    super('user', '', 'the name of a user; a call without one must carry a token while authentication is enabled');
  }
}

/** The user does not exist or has another password; which of the two is not told. Nothing was done. */
export class AuthenticationFailedError extends CoordinationError {
  readonly code = 'AUTHENTICATION_FAILED';
  readonly retry = 'never';
  constructor(options?: ErrorOptions) {
    super('authentication failed: there is no such user, or the password is another one', options);
  }
}

/** The user has no password and is known by a certificate alone. */
export class NoPasswordUserError extends CoordinationError {
  readonly code = 'NO_PASSWORD_USER';
  readonly retry = 'never';
  constructor() {
    super('authentication failed: the user has no password and is known by the common name of a certificate alone');
  }
}

/** The token is not known, or outlived what it was given for. Nothing was done; authenticate again. */
export class InvalidAuthTokenError extends CoordinationError {
  readonly code = 'INVALID_AUTH_TOKEN';
  readonly retry = 'safe';
  constructor() {
    super('the token is not valid: it expired, or the password or roles of its user were changed since');
  }
}

/**
 * The password or roles of the user were changed after the token was given (etcd: "revision of auth store is old").
 * Nothing was done; authenticate again.
 */
export class AuthRevisionOldError extends CoordinationError {
  readonly code = 'AUTH_REVISION_OLD';
  readonly retry = 'safe';
  /** @param at - the auth revision of the token, and that at which its user was changed, where they are known */
  constructor(readonly at?: { readonly token: number; readonly changed: number }) {
    const details = at === undefined ? '' : `: it is of auth revision ${at.token}, the change of ${at.changed}`;
    super(`the password or roles of the user were changed after the token was given${details}`);
  }
}

/** The user is known, and may not do this. Nothing was done. Have the right granted to one of the user's roles. */
export class PermissionDeniedError extends CoordinationError {
  readonly code = 'PERMISSION_DENIED';
  readonly retry = 'never';
  constructor(what = 'this') {
    super(`permission denied: the user may not ${what}`);
  }
}

/** There is nothing to authenticate for: authentication is not enabled. */
export class AuthNotEnabledError extends CoordinationError {
  readonly code = 'AUTH_NOT_ENABLED';
  readonly retry = 'never';
  constructor() {
    super('authentication is not enabled');
  }
}

// --- Users and roles --------------------------------------------------------------------------------------------

/** A role was named by an empty text. */
export class RoleNameEmptyError extends InvalidArgumentError {
  override readonly code = 'ROLE_NAME_EMPTY';
  constructor() {
    super('role', '', 'the name of a role');
  }
}

/** Authentication cannot be enabled before there is a user `root`: nobody could disable it again. */
export class RootUserMissingError extends CoordinationError {
  readonly code = 'ROOT_USER_MISSING';
  readonly retry = 'never';
  constructor() {
    super('there is no user "root"; add it, with the role "root", before authentication is enabled');
  }
}

/** Authentication cannot be enabled before the user `root` has the role `root`. */
export class RootRoleMissingError extends CoordinationError {
  readonly code = 'ROOT_ROLE_MISSING';
  readonly retry = 'never';
  constructor() {
    super('the user "root" does not have the role "root"; grant it before authentication is enabled');
  }
}

/** A user of this name exists already. */
export class UserExistsError extends CoordinationError {
  readonly code = 'USER_EXISTS';
  readonly retry = 'never';
  constructor(readonly user: string) {
    super(`the user ${show(user)} exists already`);
  }
}

/** There is no user of this name. */
export class UserNotFoundError extends CoordinationError {
  readonly code = 'USER_NOT_FOUND';
  readonly retry = 'never';
  constructor(readonly user: string) {
    super(`there is no user ${show(user)}`);
  }
}

/** A role of this name exists already. */
export class RoleExistsError extends CoordinationError {
  readonly code = 'ROLE_EXISTS';
  readonly retry = 'never';
  constructor(readonly role: string) {
    super(`the role ${show(role)} exists already`);
  }
}

/** There is no role of this name. */
export class RoleNotFoundError extends CoordinationError {
  readonly code = 'ROLE_NOT_FOUND';
  readonly retry = 'never';
  constructor(readonly role: string) {
    super(`there is no role ${show(role)}`);
  }
}

/** The user does not have the role that is to be taken away. */
export class RoleNotGrantedError extends CoordinationError {
  readonly code = 'ROLE_NOT_GRANTED';
  readonly retry = 'never';
  constructor(user: string, role: string) {
    super(`the user ${show(user)} does not have the role ${show(role)}`);
  }
}

/** The role does not have the very range that is to be taken away. */
export class PermissionNotGrantedError extends CoordinationError {
  readonly code = 'PERMISSION_NOT_GRANTED';
  readonly retry = 'never';
  constructor(role: string, key: Uint8Array) {
    super(`the role ${show(role)} has no permission on just this range, which begins with ${show(key)}`);
  }
}

/** A permission was to be granted, and none was given. */
export class PermissionNotGivenError extends InvalidArgumentError {
  override readonly code = 'PERMISSION_NOT_GIVEN';
  constructor() {
    super('permission', 'absent', 'a key or range, and what may be done with it');
  }
}

/** The change would lock everybody out, or is about a range that cannot be (etcd: "invalid auth management"). */
export class InvalidAuthManagementError extends InvalidArgumentError {
  override readonly code = 'INVALID_AUTH_MANAGEMENT';
}

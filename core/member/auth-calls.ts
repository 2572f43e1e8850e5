import type { AuthChange, Caller, User } from '../auth/types.js';
import type { AuthRequest, AuthStatus, Permission } from '../base/auth-operation.js';
import { EMPTY_BYTES } from '../base/bytes.js';
import { AuthenticationFailedError, AuthNotEnabledError, hasCode, NoPasswordUserError } from '../base/errors.js';
import { everything } from '../base/key-range.js';
import type { Machine } from '../machine/machine.js';
import { ROOT } from '../auth/types.js';
import type { AuthPart } from './auth-part.js';
import { isRoot, maySeeRole, maySeeUser } from './permissions.js';
import type { Replica } from './replica.js';

/** Letters of a token before its dot (etcd: the same). */
const TOKEN_LETTERS = 16;
/** How often a password is checked anew where its user was changed meanwhile. */
const ATTEMPTS_MAX = 3;

/** What the role `root` allows, whether or not it has permissions of its own. */
const ROOT_PERMISSION: Permission = { key: EMPTY_BYTES, end: everything().key, access: 'readWrite' };

/**
 * Users, roles and tokens, as one caller may ask for them and change them. Beside what is documented at each, every call
 * throws what {@link Auth.rightsOf} throws, {@link PermissionDeniedError}, and what every call of a member may.
 */
export class AuthCalls {
  readonly #replica: Replica;
  readonly #part: AuthPart;
  /** Undefined: whoever calls is trusted. */
  readonly #caller: Caller | undefined;

  constructor(replica: Replica, part: AuthPart, caller?: Caller) {
    this.#replica = replica;
    this.#part = part;
    this.#caller = caller;
  }

  /** Anybody may know. */
  status(): Promise<AuthStatus> {
    return this.#replica.read(({ machine }) => machine.auth.status);
  }

  /** Whether authentication is enabled, as far as this member knows by now. */
  get isEnabledHere(): boolean {
    return this.#replica.state.machine.auth.isEnabled;
  }

  /** @throws {@link UserNotFoundError} */
  userRoles(name: string): Promise<readonly string[]> {
    return this.#read(
      ({ auth }) => auth.user(name).roles,
      (caller) => maySeeUser(caller, name),
    );
  }

  users(): Promise<readonly string[]> {
    return this.#read(({ auth }) => auth.userNames);
  }

  /** @throws {@link RoleNotFoundError} */
  permissions(role: string): Promise<readonly Permission[]> {
    return this.#read(
      ({ auth }) => (role === ROOT ? auth.role(role) && [ROOT_PERMISSION] : auth.role(role).permissions),
      (caller) => maySeeRole(caller, role),
    );
  }

  roles(): Promise<readonly string[]> {
    return this.#read(({ auth }) => auth.roleNames);
  }

  /**
   * Changes users or roles, or whether anybody is asked for them.
   *
   * @throws what {@link Auth.apply} throws; {@link InvalidArgumentError} if a password is too long;
   * {@link TooManyRequestsError} if too many wait to have one hashed. Nothing was changed
   */
  async change(request: AuthRequest): Promise<{ revision: number }> {
    const caller = this.#caller;
    // Only those who may cause it are worth the work of a hash, or a place in the log.
    if (caller !== undefined) await this.#replica.read(({ machine }) => isRoot(caller, CHANGE)(machine));
    const change = await this.#hashed(request);
    const { revision } = await this.#replica.propose({ type: 'auth', change }, undefined, caller);
    return { revision };
  }

  /**
   * Gives a token to whoever knows a user's password.
   *
   * @throws {@link AuthNotEnabledError}, {@link AuthenticationFailedError}, {@link NoPasswordUserError}, and as
   * {@link change}
   */
  async authenticate(name: string, password: string): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const { user, revision } = await this.#replica.read(({ machine }) => lookUp(machine, name));
      await this.#verify(user, password);
      const { signer } = this.#part;
      if (signer !== undefined) return signer.sign({ name, revision });
      try {
        return await this.#issue(name, revision);
      } catch (error) {
        // The password was changed while it was checked: it may be another one by now.
        if (!hasCode(error, 'AUTH_REVISION_OLD') || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #verify(user: User | undefined, password: string): Promise<void> {
    // Checked against nothing, it takes as long: so it cannot be seen who exists.
    const isRight = await this.#part.matches(password, user?.passwordHash);
    if (user !== undefined && user.passwordHash === undefined) throw new NoPasswordUserError();
    if (!isRight) throw new AuthenticationFailedError();
  }

  /** The log, and whoever has a copy of it, learns only what the token can be recognised by. */
  async #issue(name: string, revision: number): Promise<string> {
    const letters = this.#part.secrets.letters(TOKEN_LETTERS);
    const digest = this.#part.secrets.digest(letters);
    const change: AuthChange = { type: 'token', user: { name, revision }, digest };
    const { index } = await this.#replica.propose({ type: 'auth', change });
    return `${letters}.${index}`;
  }

  async #hashed(request: AuthRequest): Promise<AuthChange> {
    switch (request.type) {
      case 'userAdd': {
        const { type, name, password } = request;
        return { type, name, passwordHash: password === undefined ? undefined : await this.#part.hash(password) };
      }
      case 'userPassword':
        return { type: request.type, name: request.name, passwordHash: await this.#part.hash(request.password) };
      default:
        return request;
    }
  }

  #read<T>(
    read: (machine: Machine) => T,
    check: (caller: Caller) => (machine: Machine) => void = (caller) => isRoot(caller, 'see users and roles'),
  ): Promise<T> {
    const caller = this.#caller;
    return this.#replica.read(({ machine }) => {
      if (caller !== undefined) check(caller)(machine);
      return read(machine);
    });
  }
}

const CHANGE = 'change users and roles';

/** The user, and the revision at which it was so. @throws {@link AuthNotEnabledError} */
function lookUp({ auth }: Machine, name: string): { user: User | undefined; revision: number } {
  if (!auth.isEnabled) throw new AuthNotEnabledError();
  return { user: auth.find(name), revision: auth.revision };
}

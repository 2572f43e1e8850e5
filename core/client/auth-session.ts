import type { Metadata } from '@grpc/grpc-js';
import { InvalidArgumentError } from '../base/errors.js';
import type { Meaning } from '../rpc/errors.js';
import { AuthService } from '../rpc/gen/auth.js';
import { CallFailure } from './call-failure.js';
import type { Connection } from './connection.js';

/** Who a client says it is: by name and password, or by a token that it was given. */
export interface Identity {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
}

/** Refusals after which another token may help. None of them comes after anything was done. */
const WANTS_TOKEN = new Set<Meaning | undefined>(['INVALID_AUTH_TOKEN', 'AUTH_REVISION_OLD', 'USER_NAME_EMPTY']);

/**
 * Whom a store speaks for: the token that goes with every call. One that was got for a password is got anew when a
 * member has it no more; all calls that wait for it share one question.
 */
export class AuthSession {
  readonly #user: { readonly name: string; readonly password: string } | undefined;
  #token: string | undefined;
  /** Whether members were asked; they may have said that they want none. */
  #isKnown: boolean;
  #asking: Promise<void> | undefined;
  readonly #metadata = new Map<string, Metadata>();

  private constructor({ user, password, token }: Identity) {
    this.#user = user === undefined ? undefined : { name: user, password: password ?? '' };
    this.#token = token;
    this.#isKnown = user === undefined;
  }

  /**
   * Undefined for a client that does not say who it is.
   *
   * @throws {@link InvalidArgumentError} if it says it twice, or a password without a name
   */
  static of(identity: Identity): AuthSession | undefined {
    const { user, password, token } = identity;
    if (user === undefined && token === undefined) {
      if (password !== undefined) throw new InvalidArgumentError('user', undefined, 'given with a password');
      return undefined;
    }
    if (user === '') throw new InvalidArgumentError('user', user, 'the name of a user');
    if (user !== undefined && token !== undefined) {
      throw new InvalidArgumentError('token', 'given', 'absent where user and password are given');
    }
    return new AuthSession(identity);
  }

  /** What goes with a call: a copy of `plain` that names the user, as far as that is known. */
  metadata(plain: Metadata, name: string): Metadata {
    if (this.#token === undefined) return plain;
    const known = this.#metadata.get(name);
    if (known !== undefined) return known;
    const metadata = plain.clone();
    metadata.set('token', this.#token);
    this.#metadata.set(name, metadata);
    return metadata;
  }

  /** Gets a token on this connection, if one is wanted. @throws {@link CallFailure} */
  async ready(connection: Connection): Promise<void> {
    if (this.#isKnown || this.#user === undefined) return;
    this.#asking ??= this.#ask(connection, this.#user).finally(() => (this.#asking = undefined));
    await this.#asking;
  }

  /** Whether a call that was refused so may be made once more, with another token. */
  mayHelp({ meaning }: CallFailure): boolean {
    return this.#user !== undefined && WANTS_TOKEN.has(meaning);
  }

  /** Lets go of the token, unless it has been replaced since. @param usedFor - what {@link metadata} gave for the call */
  forget(usedFor: string | undefined): void {
    if (this.#user === undefined || this.#token !== usedFor) return;
    this.#setToken(undefined);
    this.#isKnown = false;
  }

  /** The token that calls carry now. */
  get token(): string | undefined {
    return this.#token;
  }

  async #ask(connection: Connection, { name, password }: { name: string; password: string }): Promise<void> {
    try {
      const options = { signal: undefined, isWrite: false, isAnonymous: true };
      const { token } = await connection.unary(AuthService.authenticate, { name, password }, options);
      this.#setToken(token);
    } catch (error) {
      // Nobody is asked who they are: calls need no token.
      if (!(error instanceof CallFailure && error.meaning === 'AUTH_NOT_ENABLED')) throw error;
      this.#setToken(undefined);
    }
    this.#isKnown = true;
  }

  #setToken(token: string | undefined): void {
    this.#token = token;
    this.#metadata.clear();
  }
}

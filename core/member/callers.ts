import type { Caller, UserAt } from '../auth/types.js';
import type { Auth } from '../auth/auth.js';
import { AuthRevisionOldError, InvalidAuthTokenError } from '../base/errors.js';
import { AuthCalls } from './auth-calls.js';
import type { AuthPart } from './auth-part.js';
import { GuardedMember } from './guarded-member.js';
import type { GuardedWatcher } from './guarded-watcher.js';
import type { Member } from './member.js';
import type { Replica } from './replica.js';
import type { TokenSigner } from './secrets.js';

/** What a call says of who makes it. */
export interface Credentials {
  /** Given by {@link AuthCalls.authenticate}. It counts before a certificate does. */
  readonly token?: string | undefined;
  /** The common name of the certificate with which the caller's connection proved itself. */
  readonly commonName?: string | undefined;
}

/** Callers that are kept ready; and signed tokens of which it is remembered that they are good. */
const CALLERS_KEPT_MAX = 1_000;
const SIGNED_KEPT_MAX = 10_000;
/** What a token looks like that members remember: letters, and the index of the entry that gave it. */
const SIMPLE_TOKEN = /^([A-Za-z]+)\.(\d{1,15})$/;

/** Who may be calling, and the member as each of them may use it. */
export class Callers {
  readonly #member: Member;
  readonly #replica: Replica;
  readonly #part: AuthPart;
  readonly #nobody: GuardedMember;
  readonly #users = new Map<string, GuardedMember>();
  readonly #signed = new Map<string, { readonly user: UserAt; readonly expiresMs: number }>();
  readonly #watchers = new Set<GuardedWatcher>();

  constructor(member: Member, replica: Replica, part: AuthPart) {
    this.#member = member;
    this.#replica = replica;
    this.#part = part;
    this.#nobody = this.#guarded('nobody');
    part.onChange(() => {
      for (const watcher of [...this.#watchers]) watcher.look();
    });
  }

  /**
   * The member as whoever has these credentials may use it. At once where it is known here; a token that another member
   * has just given is waited for, at most as long as a read may take.
   *
   * @throws {@link InvalidAuthTokenError}, {@link AuthRevisionOldError}, and as every read
   */
  of({ token, commonName }: Credentials): GuardedMember | Promise<GuardedMember> {
    if (token === undefined) {
      if (commonName === undefined || !this.#auth.isEnabled) return this.#nobody;
      return this.#ofUser({ name: commonName, revision: this.#auth.revision });
    }
    const { signer } = this.#part;
    return signer === undefined ? this.#ofSimple(token) : this.#ofSigned(token, signer);
  }

  /** A token of letters: members know of it from the log. */
  #ofSimple(token: string): GuardedMember | Promise<GuardedMember> {
    const [, letters, digits] = SIMPLE_TOKEN.exec(token) ?? [];
    const index = Number(digits);
    if (letters === undefined) return this.#ofUnknown();
    const digest = this.#part.secrets.digest(letters);
    const look = () => {
      const user = this.#part.tokens.use(digest, index);
      return user !== undefined && this.#auth.isValid(user) ? this.#ofUser(user) : undefined;
    };
    if (index <= this.#replica.state.machine.appliedIndex) return look() ?? this.#ofUnknown();
    // Every token that was given to anybody by now is known here once this has been read.
    return this.#replica.read(() => look() ?? this.#ofUnknown());
  }

  /** A token that says whose it is: it must be signed, and its user must not have been changed since. */
  async #ofSigned(token: string, signer: TokenSigner): Promise<GuardedMember> {
    const user = this.#rememberedUser(token) ?? (await this.#verify(token, signer));
    if (user === undefined) return this.#ofUnknown();
    if (user.revision > this.#auth.revision) await this.#replica.read(() => undefined);
    const { isEnabled } = this.#auth;
    if (!isEnabled) return this.#nobody;
    const known = this.#auth.find(user.name);
    if (known === undefined) throw new InvalidAuthTokenError();
    if (!this.#auth.isValid(user))
      throw new AuthRevisionOldError({ token: user.revision, changed: this.#auth.revision });
    return this.#ofUser(user);
  }

  async #verify(token: string, signer: TokenSigner): Promise<UserAt | undefined> {
    const signed = await signer.verify(token);
    if (signed === undefined) return undefined;
    const { user, expiresInMs } = signed;
    keep(this.#signed, token, { user, expiresMs: this.#part.clock.now() + expiresInMs }, SIGNED_KEPT_MAX);
    return user;
  }

  #rememberedUser(token: string): UserAt | undefined {
    const known = this.#signed.get(token);
    if (known === undefined) return undefined;
    if (known.expiresMs > this.#part.clock.now()) return known.user;
    this.#signed.delete(token);
    return undefined;
  }

  /** A token that says nothing is as good as none while nobody is asked. @throws {@link InvalidAuthTokenError} */
  #ofUnknown(): GuardedMember {
    if (this.#auth.isEnabled) throw new InvalidAuthTokenError();
    return this.#nobody;
  }

  #ofUser(user: UserAt): GuardedMember {
    const key = `${user.revision} ${user.name}`;
    const known = this.#users.get(key);
    if (known !== undefined) return known;
    const guarded = this.#guarded(user);
    keep(this.#users, key, guarded, CALLERS_KEPT_MAX);
    return guarded;
  }

  #guarded(caller: Caller): GuardedMember {
    const [member, replica, watchers] = [this.#member, this.#replica, this.#watchers];
    const auth = new AuthCalls(replica, this.#part, caller);
    return new GuardedMember({ member, replica, auth, watchers }, caller);
  }

  get #auth(): Auth {
    return this.#replica.state.machine.auth;
  }
}

/** Keeps a value; past the limit the one that has been there the longest goes. */
function keep<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.set(key, value);
  if (map.size <= limit) return;
  const [first] = map.keys();
  map.delete(first as string);
}

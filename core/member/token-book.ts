import type { IssuedToken, UserAt } from '../auth/types.js';
import type { Clock } from '../base/clock.js';

/** What bounds a {@link TokenBook}. */
export interface TokenLimits {
  /** How long a token is good after it was last used (etcd: `--auth-token-ttl`). */
  readonly authTokenTtlSeconds: number;
  /** Tokens that are good at one time; past it those go that were used the longest ago. So also of one user. */
  readonly authTokensMax: number;
  readonly authTokensPerUserMax: number;
}

interface Entry {
  readonly user: UserAt;
  readonly index: number;
  /** Of what it is found by. */
  readonly name: string;
  expiresMs: number;
}

/**
 * The tokens that this member takes. All members hear of each token through the log; for how long it is good, each
 * counts by its own clock, from when it was last used there. They are kept in memory alone.
 */
export class TokenBook {
  readonly #clock: Clock;
  readonly #limits: TokenLimits;
  /** Those that were used the longest ago come first, and so those that expire first. */
  readonly #entries = new Map<string, Entry>();
  readonly #ofUser = new Map<string, Map<string, Entry>>();

  constructor(clock: Clock, limits: TokenLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Takes a token from now on. */
  add({ user, digest, index }: IssuedToken): void {
    this.#forgetExpired();
    this.#note({ user, index, name: nameOf(digest), expiresMs: 0 });
    const { authTokensMax, authTokensPerUserMax } = this.#limits;
    const own = this.#ofUser.get(user.name) as Map<string, Entry>;
    if (own.size > authTokensPerUserMax) this.#forgetFirst(own);
    if (this.#entries.size > authTokensMax) this.#forgetFirst(this.#entries);
  }

  /** Whose token it is, which is thereby used; undefined if there is none, or it has expired. */
  use(digest: Uint8Array, index: number): UserAt | undefined {
    this.#forgetExpired();
    const entry = this.#entries.get(nameOf(digest));
    if (entry === undefined || entry.index !== index) return undefined;
    this.#forget(entry);
    this.#note(entry);
    return entry.user;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#entries.clear();
    this.#ofUser.clear();
  }

  #note(entry: Entry): void {
    const { user, name } = entry;
    entry.expiresMs = this.#clock.now() + this.#limits.authTokenTtlSeconds * 1_000;
    this.#entries.set(name, entry);
    const own = this.#ofUser.get(user.name) ?? new Map<string, Entry>();
    own.set(name, entry);
    this.#ofUser.set(user.name, own);
  }

  #forget({ user, name }: Entry): void {
    this.#entries.delete(name);
    const own = this.#ofUser.get(user.name);
    own?.delete(name);
    if (own?.size === 0) this.#ofUser.delete(user.name);
  }

  #forgetFirst(entries: ReadonlyMap<string, Entry>): void {
    const [first] = entries.values();
    if (first !== undefined) this.#forget(first);
  }

  #forgetExpired(): void {
    const now = this.#clock.now();
    for (const entry of this.#entries.values()) {
      if (entry.expiresMs > now) return;
      this.#forget(entry);
    }
  }
}

function nameOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64');
}

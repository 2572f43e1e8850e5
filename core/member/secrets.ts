import type { UserAt } from '../auth/types.js';

/** What must not be guessed, and what must not be read: hashes of passwords and tokens, and chance for them. */
export interface Secrets {
  /** A text of letters that nobody can guess. */
  letters(count: number): string;
  /** What a text is found again by; the text is not found from it. */
  digest(text: string): Uint8Array;
  /** A hash of a password, with all that is needed to check one against it. It takes long, and must not block. */
  hash(password: string): Promise<string>;
  /**
   * Whether the hash is of this password.
   *
   * @param hash - undefined: of none. It takes as long all the same
   */
  matches(password: string, hash: string | undefined): Promise<boolean>;
}

/** Tokens that say by themselves whose they are, and are believed for their signature. */
export interface TokenSigner {
  /** @throws {@link InvalidArgumentError} if it has no key to sign with */
  sign(user: UserAt): Promise<string>;
  /** Undefined if the token is not one of ours, or has expired. */
  verify(token: string): Promise<SignedToken | undefined>;
}

/** What a signed token says. */
export interface SignedToken {
  readonly user: UserAt;
  /** For how long it is good yet. */
  readonly expiresInMs: number;
}

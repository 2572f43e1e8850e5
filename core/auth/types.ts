import type { AuthRequest, Permission } from '../base/auth-operation.js';

/** Whoever has this role may do everything; the user of this name cannot lose it while users are asked for. */
export const ROOT = 'root';

/** A user as the replicated state knows it. */
export interface User {
  readonly name: string;
  /** What a password is checked against, as whoever proposed it wrote it; absent: no password opens it. */
  readonly passwordHash?: string;
  /** In the order of their bytes. */
  readonly roles: readonly string[];
  /** The auth revision at which the user was added, or got its password or roles: what was given to it before is void. */
  readonly validFrom: number;
}

/** A named set of permissions, by key and then by end. */
export interface Role {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

/** What holds for all users. */
export interface AuthFacts {
  readonly enabled: boolean;
  /** Grows with every change of a user or a role, and when users are no longer asked for; 1 at the beginning. */
  readonly revision: number;
  /** The auth revision at which users were last no longer asked for: what was given to anybody before is void. */
  readonly validFrom: number;
}

/** Who asks for something from outside: a user, known as of an auth revision, or nobody that said a name. */
export type Caller = 'nobody' | UserAt;

/** A user, as it was at an auth revision. */
export interface UserAt {
  readonly name: string;
  readonly revision: number;
}

/**
 * One change as the log carries it. It has hashes where a request has passwords, since the log and its copies are kept;
 * so also of a token, for which members are told what its digest is and what it stands for.
 */
export type AuthChange =
  | Exclude<AuthRequest, { readonly type: 'userAdd' | 'userPassword' }>
  | { readonly type: 'userAdd'; readonly name: string; readonly passwordHash: string | undefined }
  | { readonly type: 'userPassword'; readonly name: string; readonly passwordHash: string }
  | { readonly type: 'token'; readonly user: UserAt; readonly digest: Uint8Array };

/** A token that members may take from now on. */
export interface IssuedToken {
  readonly user: UserAt;
  readonly digest: Uint8Array;
  /** Of the log entry that gave it. */
  readonly index: number;
}

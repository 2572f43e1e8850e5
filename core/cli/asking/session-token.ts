import type { MethodDefinition } from '@grpc/grpc-js';
import { type AuthenticateRequest, type AuthenticateResponse, AuthService } from '../../rpc/gen/auth.js';

/** Who asks. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** Asks a member without a token. */
export type AskPlainly = (
  method: MethodDefinition<AuthenticateRequest, AuthenticateResponse>,
  request: AuthenticateRequest,
) => Promise<AuthenticateResponse>;

const NOT_ENABLED = 'etcdserver: authentication is not enabled';
const OUTDATED = new Set(['etcdserver: invalid auth token', 'etcdserver: revision of auth store is old']);

/** Whether a failed call may succeed with a new token. */
export function isOutdated(details: string): boolean {
  return OUTDATED.has(details);
}

/** The token that stands for a name and a password, fetched when it is needed, and once for all who need it. */
export class SessionToken {
  #token: Promise<string | undefined> | undefined;

  constructor(private readonly credentials: Credentials | undefined) {}

  /** Whether there is anybody to be known as. */
  get isNeeded(): boolean {
    return this.credentials !== undefined;
  }

  /**
   * The token; undefined where nobody is asked who they are.
   *
   * @throws what the call failed with; the next one asks anew
   */
  async get(ask: AskPlainly): Promise<string | undefined> {
    const { credentials } = this;
    if (credentials === undefined) return undefined;
    this.#token ??= ask(AuthService.authenticate, credentials).then(
      ({ token }) => token,
      (error: Error) => {
        if (error.message === NOT_ENABLED) return undefined;
        this.#token = undefined;
        throw error;
      },
    );
    return this.#token;
  }

  /** Forgets it: it is no longer accepted. */
  forget(): void {
    this.#token = undefined;
  }
}

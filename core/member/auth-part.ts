import { InvalidArgumentError } from '../base/errors.js';
import type { Clock } from '../base/clock.js';
import { toBytes } from '../base/bytes.js';
import { LIMITS } from '../base/limits.js';
import type { Machine } from '../machine/machine.js';
import type { Secrets, TokenSigner } from './secrets.js';
import type { MemberSettings } from './settings.js';
import { TokenBook } from './token-book.js';
import { WaitingRoom } from './waiting-room.js';

export interface AuthPartParts {
  readonly clock: Clock;
  readonly secrets: Secrets;
  /** Makes and reads tokens that are signed. Absent: tokens are letters that members remember. */
  readonly signer?: TokenSigner | undefined;
  readonly settings: MemberSettings;
}

/** A member's part in authentication: tokens that it was told of, passwords one after the other, and who is watched. */
export class AuthPart {
  readonly tokens: TokenBook;
  readonly secrets: Secrets;
  readonly signer: TokenSigner | undefined;
  readonly clock: Clock;
  readonly #passwords: WaitingRoom;
  readonly #callbacks = new Set<() => void>();
  #stopListening: () => void = () => undefined;

  constructor({ clock, secrets, signer, settings }: AuthPartParts) {
    this.clock = clock;
    this.secrets = secrets;
    this.signer = signer;
    this.tokens = new TokenBook(clock, settings);
    this.#passwords = new WaitingRoom('passwords waiting to be hashed', {
      atOnceMax: settings.authPasswordsAtOnce,
      waitingMax: settings.authPasswordsWaitingMax,
    });
  }

  /** Listens to the state in force from now on, and looks at it at once. */
  follow({ auth }: Machine): void {
    this.#stopListening();
    const onChange = () => this.#changed(auth.isEnabled);
    const stops = [auth.onIssued((token) => this.tokens.add(token)), auth.onChange(onChange)];
    this.#stopListening = () => {
      for (const stop of stops) stop();
    };
    onChange();
  }

  stop(): void {
    this.#stopListening();
    this.tokens.clear();
  }

  /** Calls back whenever users or roles may have changed. The callback must not throw. */
  onChange(callback: () => void): void {
    this.#callbacks.add(callback);
  }

  /** @throws {@link InvalidArgumentError}, {@link TooManyRequestsError}: nothing was done */
  async hash(password: string): Promise<string> {
    assertPasswordFits(password);
    return this.#passwords.run(() => this.secrets.hash(password));
  }

  /** As {@link Secrets.matches}. @throws as {@link hash} */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    assertPasswordFits(password);
    return this.#passwords.run(() => this.secrets.matches(password, hash));
  }

  #changed(isEnabled: boolean): void {
    // None of them will ever be good again.
    if (!isEnabled) this.tokens.clear();
    for (const callback of this.#callbacks) callback();
  }
}

/** The password itself is in no text. */
function assertPasswordFits(password: string): void {
  const { length } = toBytes(password);
  const { authPasswordBytes } = LIMITS;
  if (length <= authPasswordBytes) return;
  throw new InvalidArgumentError('password', `${length} bytes`, `at most ${authPasswordBytes} bytes long`);
}

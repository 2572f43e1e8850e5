import { Election } from '../../../../recipes/election/election.js';
import type { Held } from '../../../../recipes/held.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { Session } from '../../../../recipes/session/session.js';
import type { Store } from '../../../store.js';

/** A lock, or an election, by the name that all its users give. */
export interface ExclusiveName {
  readonly kind: 'mutex' | 'election';
  readonly name: string;
}

export interface TakerParts {
  readonly store: Store;
  readonly ttlMs: number;
  /** What it says of itself where it stands for an office. */
  readonly candidate: string;
  /** Told of each session, and when that was asked for, in milliseconds of the store's clock. */
  readonly onSession?: (session: Session, askedMs: number) => void;
  /** Whether the recipe opens its sessions itself; then nobody else knows until when they last. Default: false. */
  readonly leavesSessions?: boolean;
}

/** How long to wait for it, and what calls that off. */
export interface TakeOptions {
  /** In milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Takes a lock, or an office, again and again, with a session that it opens anew whenever one was lost. */
export class Taker {
  readonly #of: ExclusiveName;
  readonly #parts: TakerParts;
  #session: Session | undefined;
  #recipe: Mutex | Election<string> | undefined;

  constructor(of: ExclusiveName, parts: TakerParts) {
    this.#of = of;
    this.#parts = parts;
  }

  /** For how much longer the lease of what was taken cannot end, in milliseconds of the store's clock, if that is known. */
  get safeForMs(): number | undefined {
    return this.#session && this.#session.safeUntilMs - this.#parts.store.clock.now();
  }

  async take(options: TakeOptions): Promise<Held> {
    const recipe = await this.#current(options.signal);
    return recipe instanceof Mutex ? recipe.acquire(options) : recipe.campaign(this.#parts.candidate, options);
  }

  async dispose(): Promise<void> {
    await this.#recipe?.dispose();
    await this.#session?.close();
  }

  async #current(signal: AbortSignal): Promise<Mutex | Election<string>> {
    const { leavesSessions, ttlMs } = this.#parts;
    if (leavesSessions) return (this.#recipe ??= this.#recipeWith({ ttl: ttlMs }));
    if (this.#recipe && this.#session?.signal.aborted === false) return this.#recipe;
    await this.dispose();
    const session = await this.#open(signal);
    this.#session = session;
    this.#recipe = this.#recipeWith({ session });
    return this.#recipe;
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const { store, ttlMs, onSession } = this.#parts;
    const askedMs = store.clock.now();
    const session = await Session.open(store, { ttl: ttlMs, signal });
    onSession?.(session, askedMs);
    return session;
  }

  #recipeWith(source: { readonly ttl: number } | { readonly session: Session }): Mutex | Election<string> {
    const options = { name: this.#of.name, ...source };
    const { store } = this.#parts;
    return this.#of.kind === 'mutex' ? new Mutex(store, options) : new Election<string>(store, options);
  }
}

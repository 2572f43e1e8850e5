import { type Clock, turn } from '../base/clock.js';
import type { CoordinationError } from '../base/errors.js';
import type { Operation } from '../base/operation.js';
import type { Machine } from '../machine/machine.js';
import type { PrefixLimitOptions } from './prefix-options.js';
import { PrefixQuotas } from './prefix-quotas.js';
import { PrefixUsage } from './prefix-usage.js';
import { RateLimiter } from './rate-limiter.js';

export interface PrefixLimitsParts {
  /** As {@link checkPrefixLimits} has found them right. */
  readonly limits: PrefixLimitOptions | undefined;
  readonly clock: Clock;
  /** Whether the state can be looked at: it is not being replaced, nor given up. */
  readonly isReadable: () => boolean;
  readonly onFailure: (error: Error) => void;
}

/** Keys that are counted between two turns of the event loop. */
const COUNTED_PER_STEP = 256;

/**
 * The limits that an operator has set for keys of certain prefixes, at the member that takes a call. It is decided before
 * anything is proposed, so members may have different ones and still apply the same.
 */
export class PrefixLimits {
  readonly #parts: PrefixLimitsParts;
  readonly #rates: RateLimiter;
  readonly #quotas: PrefixQuotas;
  readonly #prefixes: readonly string[];
  #followed: { readonly machine: Machine; readonly usage: PrefixUsage } | undefined;

  constructor(parts: PrefixLimitsParts) {
    const { limits: { rateLimits = [], prefixQuotas = [] } = {}, clock } = parts;
    this.#parts = parts;
    this.#rates = new RateLimiter(rateLimits, clock);
    this.#quotas = new PrefixQuotas(prefixQuotas);
    this.#prefixes = prefixQuotas.map(({ prefix }) => prefix);
  }

  /** Calls that were refused because they came too fast, and because there was no room. */
  get refusedCounts(): { readonly rate: number; readonly quota: number } {
    return { rate: this.#rates.refusedCount, quota: this.#quotas.refusedCount };
  }

  /** Counts what a state machine holds, and whatever it applies from now on. The one before is let go of. */
  follow(machine: Machine): void {
    if (this.#prefixes.length === 0) return;
    this.stop();
    const usage = new PrefixUsage(machine.keyspace, this.#prefixes);
    machine.onWritten = (events) => usage.applied(events);
    this.#followed = { machine, usage };
    this.#count(usage).catch(this.#parts.onFailure);
  }

  stop(): void {
    if (this.#followed !== undefined) this.#followed.machine.onWritten = undefined;
    this.#followed = undefined;
  }

  /** Counts an operation, if it may be carried out. @returns if it may not, why */
  refusal(operation: Operation): CoordinationError | undefined {
    return this.#rates.take(operation) ?? this.#withoutRoom(operation);
  }

  /** @throws {@link RateLimitedError} if an operation that only reads may not be carried out now */
  countRead(operation: Operation): void {
    const refusal = this.#rates.take(operation);
    if (refusal !== undefined) throw refusal;
  }

  #withoutRoom(operation: Operation): CoordinationError | undefined {
    if (this.#followed === undefined || !this.#parts.isReadable()) return undefined;
    const { machine, usage } = this.#followed;
    return this.#quotas.refusal(operation, machine.keyspace, usage);
  }

  async #count(usage: PrefixUsage): Promise<void> {
    const { clock, isReadable } = this.#parts;
    do await turn(clock);
    while (this.#followed?.usage === usage && isReadable() && usage.count(COUNTED_PER_STEP));
  }
}

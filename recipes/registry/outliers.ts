import type { Clock } from '../../core/base/clock.js';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { InvalidArgumentError } from '../../core/base/errors.js';

/**
 * When an instance that fails its callers is left out for a while: after so many failures within a window that begins with
 * the first of them, if at least half of the calls in that window failed. A busy instance that fails now and then stays.
 */
export interface EjectOptions {
  /** Default 2. */
  readonly errors?: number;
  /** Default '30s'. */
  readonly within?: Duration;
  /** How long it is left out. Default '30s'. */
  readonly for?: Duration;
}

export interface EjectSettings {
  readonly errorsMax: number;
  readonly withinMs: number;
  readonly ejectedMs: number;
}

/** @throws {@link InvalidArgumentError} */
export function ejectSettings(options: EjectOptions): EjectSettings {
  const errorsMax = options.errors ?? 2;
  if (!Number.isSafeInteger(errorsMax) || errorsMax < 1) {
    throw new InvalidArgumentError('eject.errors', errorsMax, 'a whole number from 1');
  }
  return {
    errorsMax,
    withinMs: toMilliseconds(options.within ?? '30s', 'eject.within'),
    ejectedMs: toMilliseconds(options.for ?? '30s', 'eject.for'),
  };
}

/** What this process experienced with one registration of an instance. */
export class Experience {
  /** Picks that have not ended. */
  inFlight = 0;
  readonly #clock: Clock;
  readonly #settings: EjectSettings | undefined;
  #errors = 0;
  /** Since the first of the errors. */
  #successes = 0;
  #firstErrorMs = 0;
  #ejectedUntilMs = Number.NEGATIVE_INFINITY;

  /** @param settings - undefined: nothing is ever ejected */
  constructor(clock: Clock, settings: EjectSettings | undefined) {
    this.#clock = clock;
    this.#settings = settings;
  }

  get isEjected(): boolean {
    return this.#clock.now() < this.#ejectedUntilMs;
  }

  succeeded(): void {
    if (this.#errors > 0) this.#successes += 1;
  }

  /** A call failed. Answers whether the instance is ejected for it. */
  failed(): boolean {
    if (!this.#settings) return false;
    const nowMs = this.#clock.now();
    if (nowMs - this.#firstErrorMs > this.#settings.withinMs) this.#forget();
    if (this.#errors === 0) this.#firstErrorMs = nowMs;
    this.#errors += 1;
    if (this.#errors < this.#settings.errorsMax || this.#errors < this.#successes) return false;
    this.#ejectedUntilMs = nowMs + this.#settings.ejectedMs;
    this.#forget();
    return true;
  }

  #forget(): void {
    this.#errors = 0;
    this.#successes = 0;
  }
}

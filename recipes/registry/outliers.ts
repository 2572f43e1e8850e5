import type { Clock } from '../../core/base/clock.js';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { InvalidArgumentError } from '../../core/base/errors.js';

/** When an instance that fails its callers is left out for a while. */
export interface EjectOptions {
  /** So many failures in a row... Default 2. */
  readonly errors?: number;
  /** ...within so long of the first of them... Default '30s'. */
  readonly within?: Duration;
  /** ...leave it out for so long. Default '30s'. */
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

  /** A call succeeded: the failures before it were not a row. */
  succeeded(): void {
    this.#errors = 0;
  }

  /** A call failed. Answers whether the instance is ejected for it. */
  failed(): boolean {
    if (!this.#settings) return false;
    const nowMs = this.#clock.now();
    if (this.#errors > 0 && nowMs - this.#firstErrorMs > this.#settings.withinMs) this.#errors = 0;
    if (this.#errors === 0) this.#firstErrorMs = nowMs;
    this.#errors += 1;
    if (this.#errors < this.#settings.errorsMax) return false;
    this.#ejectedUntilMs = nowMs + this.#settings.ejectedMs;
    this.#errors = 0;
    return true;
  }
}

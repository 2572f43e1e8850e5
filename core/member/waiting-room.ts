import { TooManyRequestsError } from '../base/errors.js';

/** Work of which only so much is done at one time, because it takes what others need too. */
export class WaitingRoom {
  readonly #what: string;
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #atWork = 0;

  /** @param what - is waiting, for the error's text */
  constructor(what: string, limits: { readonly atOnceMax: number; readonly waitingMax: number }) {
    this.#what = what;
    this.#atOnceMax = limits.atOnceMax;
    this.#waitingMax = limits.waitingMax;
  }

  /**
   * Does some work when its turn has come, in the order of arrival.
   *
   * @throws {@link TooManyRequestsError} if too many wait; nothing was done
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#atWork < this.#atOnceMax) this.#atWork += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#atWork -= 1;
      else next();
    }
  }

  /** Whoever leaves hands over the place. */
  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) throw new TooManyRequestsError(this.#what, this.#waitingMax);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

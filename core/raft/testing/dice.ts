import { between, type Prng, seededPrng } from '../../base/prng.js';

/** Chance by a seed, in the forms that a simulation needs. */
export class Dice {
  readonly #prng: Prng;

  constructor(seed: number) {
    this.#prng = seededPrng(seed);
  }

  /** A number in [0, 1). */
  next(): number {
    return this.#prng.next();
  }

  chance(probability: number): boolean {
    return probability > 0 && this.#prng.next() < probability;
  }

  between(least: number, most: number): number {
    return between(this.#prng, least, most);
  }

  anyOf<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let position = shuffled.length - 1; position > 0; position -= 1) {
      const other = this.between(0, position);
      [shuffled[position], shuffled[other]] = [shuffled[other] as T, shuffled[position] as T];
    }
    return shuffled;
  }
}

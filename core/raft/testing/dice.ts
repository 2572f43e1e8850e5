import { between, type Prng, seededPrng } from '../../base/prng.js';

/** Chance by a seed, in the forms that a simulation needs. */
export class Dice {
  readonly #prng: Prng;

  /** @param chance - a seed, or a stream of chance that is there already */
  constructor(chance: number | Prng) {
    this.#prng = typeof chance === 'number' ? seededPrng(chance) : chance;
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

  /** One of several, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [choice: T, weight: number])[]): T {
    let rest = this.#prng.next() * choices.reduce((sum, [, weight]) => sum + weight, 0);
    const chosen = choices.find(([, weight]) => (rest -= weight) < 0) ?? choices[choices.length - 1];
    return (chosen as readonly [T, number])[0];
  }
}

/** A source of chance. It is always an argument, so that one seed replays a run. */
export interface Prng {
  /** A number in [0, 1). */
  next(): number;
}

/** A whole number in [least, most]. */
export function between(prng: Prng, least: number, most: number): number {
  return least + Math.floor(prng.next() * (most - least + 1));
}

/**
 * A small, fast generator whose whole run follows from its seed. Not for secrets.
 *
 * @remarks Source: splitmix32, after Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
 */
export function seededPrng(seed: number): Prng {
  let state = seed | 0;
  return {
    next() {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      mixed ^= mixed >>> 15;
      return (mixed >>> 0) / 2 ** 32;
    },
  };
}

/** A source of chance. It is always an argument, so that one seed replays a run. */
export interface Prng {
  /** A number in [0, 1). */
  next(): number;
}

/** A whole number in [least, most]. */
export function between(prng: Prng, least: number, most: number): number {
  return least + Math.floor(prng.next() * (most - least + 1));
}

/** A positive 63-bit id other than 0, so that it is positive where ids are signed, as leases' are on the wire. */
export function randomId(prng: Prng): bigint {
  const high = BigInt(between(prng, 0, 2 ** 31 - 1));
  const low = BigInt(between(prng, 0, 2 ** 32 - 1));
  return (high << 32n) | low || 1n;
}

/** @param digits - a multiple of 4 */
export function randomHex(prng: Prng, digits: number): string {
  let hex = '';
  while (hex.length < digits) hex += between(prng, 0, 0xffff).toString(16).padStart(4, '0');
  return hex;
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

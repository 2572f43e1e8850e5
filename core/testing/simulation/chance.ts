import { type Prng, seededPrng } from '../../base/prng.js';

/**
 * A stream of chance of its own for each name: what one draws, or that nobody asks for it, changes no other. The same
 * name gives the same stream, further on.
 */
export class Chances {
  readonly #seed: number;
  readonly #streams = new Map<string, Prng>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  of(name: string): Prng {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = seededPrng(this.number(name));
      this.#streams.set(name, stream);
    }
    return stream;
  }

  /** A number of 32 bits that follows from the seed and a name. */
  number(name: string): number {
    let hash = Math.imul(this.#seed ^ 0x5bd1e995, 0x9e3779b1);
    for (let at = 0; at < name.length; at += 1) {
      hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
      hash ^= hash >>> 13;
    }
    return hash | 0;
  }
}

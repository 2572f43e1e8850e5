import type { Prng } from './prng.js';

const BLOCK_WORDS = 1_024;

/** The operating system's source of chance, so that ids chosen by different processes never meet. */
export const systemPrng: Prng = {
  next() {
    if (drawn + 2 > block.length) {
      crypto.getRandomValues(block);
      drawn = 0;
    }
    // 53 bits, as many as a number has.
    const high = (block[drawn] as number) >>> 5;
    const low = (block[drawn + 1] as number) >>> 6;
    drawn += 2;
    return (high * 2 ** 26 + low) / 2 ** 53;
  },
};

/** Drawn in blocks, for each call of the system costs far more than what it answers. */
const block = new Uint32Array(BLOCK_WORDS);
let drawn = BLOCK_WORDS;

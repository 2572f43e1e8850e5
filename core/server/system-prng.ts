import { randomBytes } from 'node:crypto';
import type { Prng } from '../base/prng.js';

const BLOCK_BYTES = 4_096;

/** The operating system's source of chance, so that ids chosen by different processes never meet. */
export function systemPrng(): Prng {
  let block = Buffer.alloc(0);
  let offset = 0;
  return {
    next() {
      if (offset + 6 > block.length) {
        block = randomBytes(BLOCK_BYTES);
        offset = 0;
      }
      const value = block.readUIntBE(offset, 6) / 2 ** 48;
      offset += 6;
      return value;
    },
  };
}

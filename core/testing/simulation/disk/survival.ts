import type { Prng } from '../../../base/prng.js';

/**
 * What a power cut leaves of that which was not synced: nothing; everything; everything but the last write or change of a
 * name; everything but the second half of the last write; or by chance, each sector of each write and each change of a
 * name by itself.
 */
export type Survival = 'nothing' | 'everything' | 'last dropped' | 'last torn' | Prng;

/** What drives write wholly or not at all. */
export const SECTOR_BYTES = 512;

/** Tells whether a part of what an operation changed survives. */
export type Judge = (operationNumber: number, part: number, partCount: number) => boolean;

/** @param lastNumber - of the last operation of which something is not synced */
export function judgeOf(survival: Survival, lastNumber: number): Judge {
  switch (survival) {
    case 'nothing':
      return () => false;
    case 'everything':
      return () => true;
    case 'last dropped':
      return (number) => number < lastNumber;
    case 'last torn':
      return (number, part, partCount) => number < lastNumber || part < partCount / 2;
    default:
      return () => survival.next() < 0.5;
  }
}

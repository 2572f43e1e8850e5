import type { Entry } from '../types.js';

/** A number that stands for a log up to an entry: equal for equal logs, and hardly ever for others. */
export type Digest = number;

/** Of a log without entries. */
export const EMPTY_DIGEST: Digest = 0;

/** Of the log that an entry makes of the one before it. */
export function digestWith(before: Digest, { index, term, data, kind }: Entry): Digest {
  let digest = before ^ 0x9e3779b9;
  for (const part of [index, term, kind === undefined ? 0 : 1, data.length]) digest = mixed(digest, part);
  for (const byte of data) digest = mixed(digest, byte);
  return digest | 0;
}

function mixed(digest: Digest, part: number): Digest {
  return Math.imul((digest ^ part) + 0x7f4a7c15, 0x85ebca6b) ^ (digest >>> 15);
}

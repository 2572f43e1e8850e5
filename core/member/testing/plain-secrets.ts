import { toBytes } from '../../base/bytes.js';
import type { Secrets } from '../secrets.js';

/** Secrets that are none: what they hide can be read, at once and as often as the test likes. */
export interface PlainSecrets extends Secrets {
  /** What was compared with what, in order. */
  readonly compared: (readonly [password: string, hash: string | undefined])[];
}

let count = 0;

export function plainSecrets(): PlainSecrets {
  const compared: PlainSecrets['compared'] = [];
  return {
    compared,
    letters: (length) =>
      (count += 1)
        .toString(26)
        .replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] as string)
        .padStart(length, 'A'),
    digest: (text) => toBytes(`digest of ${text}`),
    hash: async (password) => `hash of ${password}`,
    matches: async (password, hash) => {
      compared.push([password, hash]);
      return hash === `hash of ${password}`;
    },
  };
}

import { between, type Prng } from '../base/prng.js';

/** Who a member is. Chosen once, when its data folder is made, and never changed. */
export interface Identity {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /**
   * Drawn when the data folder is made. A member that comes back under its id with another one has lost its disk, and
   * with it its votes; the others refuse it.
   */
  readonly incarnation: bigint;
}

/** A positive 63-bit id other than 0, so that it is positive where ids are signed, as leases' are on the wire. */
export function randomId(prng: Prng): bigint {
  const high = BigInt(between(prng, 0, 2 ** 31 - 1));
  const low = BigInt(between(prng, 0, 2 ** 32 - 1));
  return (high << 32n) | low || 1n;
}

export function randomIdentity(prng: Prng): Identity {
  return { clusterId: randomId(prng), memberId: randomId(prng), incarnation: randomId(prng) };
}

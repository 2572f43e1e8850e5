import { type Prng, randomId } from '../base/prng.js';

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

export function randomIdentity(prng: Prng): Identity {
  return { clusterId: randomId(prng), memberId: randomId(prng), incarnation: randomId(prng) };
}

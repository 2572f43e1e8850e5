import { InvalidArgumentError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * A number for the wire.
 *
 * @throws {@link InvalidArgumentError} if it is not whole or beyond 2^53
 */
export function toInt64(field: string, value: number | undefined): bigint {
  if (value === undefined || value === 0) return 0n;
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError(field, value, 'a whole number of at most 2^53 - 1');
  return BigInt(value);
}

/**
 * A number from the wire, brought into the safe range: clients send the largest int64 for "no limit", and no revision
 * or count ever comes near 2^53, so that nothing compares otherwise than it would have.
 */
export function fromInt64(value: bigint): number {
  if (value > LARGEST) return Number.MAX_SAFE_INTEGER;
  if (value < -LARGEST) return -Number.MAX_SAFE_INTEGER;
  return Number(value);
}

/**
 * A lease's id for the wire.
 *
 * @throws {@link InvalidArgumentError} if it has more than 64 bits
 */
export function toLeaseInt64(lease: LeaseId | undefined): bigint {
  if (lease === undefined) return 0n;
  if (BigInt.asIntN(64, lease) !== lease) throw new InvalidArgumentError('lease', lease, 'a signed number of 64 bits');
  return lease;
}

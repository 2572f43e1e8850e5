/** Checks what a caller without a type checker may get wrong. What the types cannot say either is checked further in. */
import { type BytesLike, compareBytes, toBytes } from '../base/bytes.js';
import { EmptyKeyError, EmptyRangeError, InvalidArgumentError } from '../base/errors.js';
import { isOpenEnded } from '../base/key-range.js';
import type { KeyRange, LeaseId } from '../base/key-value.js';
import type { Lease, Target } from '../store.js';
import { toLeaseId } from '../txn.js';

/** @throws {@link InvalidArgumentError} if it is neither text nor bytes */
export function bytesOf(value: BytesLike, field: string): Uint8Array {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new InvalidArgumentError(field, value, 'a string or a Uint8Array');
  }
  return toBytes(value);
}

/** @throws {@link InvalidArgumentError} if it is neither a key nor made by `prefix()`, `range()`, `fromKey()`, … */
export function rangeOf(target: Target): KeyRange {
  if (typeof target === 'object' && target !== null && 'key' in target) {
    const key = bytesOf(target.key, 'key');
    return target.end === undefined ? { key } : { key, end: bytesOf(target.end, 'end') };
  }
  return { key: bytesOf(target, 'key') };
}

/**
 * A range that can have events, in bytes of its own: a watch outlives the call that began it.
 *
 * @throws {@link EmptyKeyError}, {@link EmptyRangeError} if there can be no key in it
 */
export function watchedRangeOf(target: Target): KeyRange {
  const range = rangeOf(target);
  if (range.key.length === 0) throw new EmptyKeyError();
  if (range.end !== undefined && !isOpenEnded(range.end) && compareBytes(range.key, range.end) >= 0) {
    throw new EmptyRangeError(range.key, range.end);
  }
  const key = Buffer.from(range.key);
  return range.end === undefined ? { key } : { key, end: Buffer.from(range.end) };
}

/** @throws {@link InvalidArgumentError} if it is not an id or a lease */
export function leaseIdOf(lease: LeaseId | Pick<Lease, 'id'> | undefined): LeaseId {
  const id = toLeaseId(lease);
  if (typeof id !== 'bigint') throw new InvalidArgumentError('lease', id, 'a lease, or its id as a bigint');
  return id;
}

/** @throws {@link InvalidArgumentError} if it is not a number that a revision can be */
export function revisionOf(revision: number, field: string): number {
  if (Number.isSafeInteger(revision) && revision >= 0) return revision;
  throw new InvalidArgumentError(field, revision, 'a whole number of 0 or more');
}

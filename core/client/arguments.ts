/** Checks what a caller without a type checker may get wrong, and what etcd would answer without naming it. */
import { type BytesLike, compareBytes } from '../base/bytes.js';
import { EmptyKeyError, EmptyRangeError, InvalidArgumentError } from '../base/errors.js';
import { isOpenEnded } from '../base/key-range.js';
import type { KeyRange, LeaseId } from '../base/key-value.js';
import type { Lease, Target } from '../store.js';
import { toLeaseId, toRange } from '../txn.js';

/** @throws {@link InvalidArgumentError} if it is neither text nor bytes */
export function checkBytes(value: BytesLike, field: string): BytesLike {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  throw new InvalidArgumentError(field, value, 'a string or a Uint8Array');
}

/** @throws {@link InvalidArgumentError} if it is neither a key nor made by `prefix()`, `range()`, `fromKey()`, … */
export function checkTarget(target: Target): KeyRange {
  const range = typeof target === 'object' && target !== null ? toRange(target) : { key: target };
  const key = checkBytes(range.key, 'key');
  if ('end' in range && range.end !== undefined) checkBytes(range.end, 'end');
  return typeof key === 'string' ? toRange(key) : (range as KeyRange);
}

/**
 * A range that can have events. etcd would take an empty key for the first one, and answer an empty range in words.
 *
 * @throws {@link EmptyKeyError}, {@link EmptyRangeError}
 */
export function checkWatched(range: KeyRange): KeyRange {
  const { key, end } = range;
  if (key.length === 0) throw new EmptyKeyError();
  if (end && !isOpenEnded(end) && compareBytes(key, end) >= 0) throw new EmptyRangeError(key, end);
  return range;
}

/** @throws {@link InvalidArgumentError} if it is not an id or a lease */
export function checkLease(lease: LeaseId | Pick<Lease, 'id'> | undefined): LeaseId {
  const id = toLeaseId(lease);
  if (typeof id === 'bigint') return id;
  throw new InvalidArgumentError('lease', id, 'a lease, or its id as a bigint');
}

/** @throws {@link InvalidArgumentError} if it is not a number that a revision can be */
export function checkRevision(revision: number | undefined, field: string): void {
  if (revision === undefined || (Number.isSafeInteger(revision) && revision >= 0)) return;
  throw new InvalidArgumentError(field, revision, 'a whole number of 0 or more');
}

/**
 * Checks what a caller without a type checker may get wrong, the same for every store. What the types cannot say either is
 * checked further in.
 */
import { type BytesLike, compareBytes, toBytes } from './bytes.js';
import { EmptyKeyError, EmptyRangeError, InvalidArgumentError } from './errors.js';
import { isOpenEnded } from './key-range.js';
import type { KeyRange } from './key-value.js';

/** @throws {@link InvalidArgumentError} if it is neither text nor bytes */
export function bytesOf(value: BytesLike, field: string): Uint8Array {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new InvalidArgumentError(field, value, 'a string or a Uint8Array');
  }
  return toBytes(value);
}

/** @throws {@link InvalidArgumentError} if it is neither a key nor made by `prefix()`, `range()`, `fromKey()`, … */
export function rangeOf(target: BytesLike | KeyRange): KeyRange {
  if (typeof target === 'object' && target !== null && 'key' in target) {
    const key = bytesOf(target.key, 'key');
    return target.end === undefined ? { key } : { key, end: bytesOf(target.end, 'end') };
  }
  return { key: bytesOf(target, 'key') };
}

/**
 * A range that can have events, in bytes of its own: a watch outlives the call that began it. (etcd would take an empty key
 * for the first one, and answer an empty range in words.)
 *
 * @throws {@link EmptyKeyError}, {@link EmptyRangeError} if there can be no key in it
 */
export function watchedRangeOf(target: BytesLike | KeyRange): KeyRange {
  const range = rangeOf(target);
  if (range.key.length === 0) throw new EmptyKeyError();
  if (range.end !== undefined && !isOpenEnded(range.end) && compareBytes(range.key, range.end) >= 0) {
    throw new EmptyRangeError(range.key, range.end);
  }
  const key = Buffer.from(range.key);
  return range.end === undefined ? { key } : { key, end: Buffer.from(range.end) };
}

/** @throws {@link InvalidArgumentError} if it is given and not a number that a revision can be */
export function checkRevision(revision: number | undefined, field: string): void {
  if (revision === undefined || (Number.isSafeInteger(revision) && revision >= 0)) return;
  throw new InvalidArgumentError(field, revision, 'a whole number of 0 or more');
}

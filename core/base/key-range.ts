import { type BytesLike, compareBytes, equalBytes, toBytes } from './bytes.js';
import type { KeyRange } from './key-value.js';

/** The end that means "no end": one zero byte, as on etcd's wire. */
const OPEN_END: Uint8Array = Uint8Array.of(0);

/** One key. */
export function key(name: BytesLike): KeyRange {
  return { key: toBytes(name) };
}

/** Every key that begins with these bytes; an empty prefix is {@link everything}. */
export function prefix(start: BytesLike): KeyRange {
  const bytes = toBytes(start);
  return bytes.length === 0 ? everything() : { key: bytes, end: prefixEnd(bytes) };
}

/** The keys from `start` up to, but without, `end`. */
export function range(start: BytesLike, end: BytesLike): KeyRange {
  return { key: toBytes(start), end: toBytes(end) };
}

/** `start` and every key after it. */
export function fromKey(start: BytesLike): KeyRange {
  return { key: toBytes(start), end: OPEN_END };
}

/** Every key there is. */
export function everything(): KeyRange {
  return { key: OPEN_END, end: OPEN_END };
}

/** Whether a range has no end. */
export function isOpenEnded(end: Uint8Array): boolean {
  return equalBytes(end, OPEN_END);
}

export function contains(target: KeyRange, candidate: Uint8Array): boolean {
  if (target.end === undefined) return equalBytes(target.key, candidate);
  if (compareBytes(candidate, target.key) < 0) return false;
  return isOpenEnded(target.end) || compareBytes(candidate, target.end) < 0;
}

/**
 * The first key after all that begin with `start`: its last byte below 0xff, plus one.
 *
 * For example "ab" ends at "ac", and [0x61, 0xff] at [0x62]; [0xff] has no such key, so its range is open.
 */
function prefixEnd(start: Uint8Array): Uint8Array {
  let last = start.length - 1;
  while (last >= 0 && start[last] === 0xff) last -= 1;
  if (last < 0) return OPEN_END;
  // A copy: a Buffer's own `slice` would share the memory of `start`.
  const end = Uint8Array.from(start.subarray(0, last + 1));
  end[last] = (start[last] as number) + 1;
  return end;
}

import { compareBytes } from '../base/bytes.js';
import { isOpenEnded } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';

/** The keys from `start` on, up to, but without, `end`; without an end where that is absent. */
interface Interval {
  readonly start: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/**
 * A set of keys, made of keys and ranges: what a user's roles allow together. Ranges that touch are one, so that what
 * lies across the border of two of them is found to lie within.
 *
 * For example "b", [c, f) and [f, h) are kept as [c, h) and "b" alone. It holds [d, g), but not [b, d), for there are keys
 * between "b" and "c"; and nothing that has no end.
 */
export class KeySet {
  readonly #intervals: readonly Interval[];

  constructor(ranges: readonly KeyRange[]) {
    this.#intervals = merged(ranges.map(intervalOf));
  }

  /** Whether every key of the range is in the set. One whose end is not after its start is taken for its first key. */
  holds(range: KeyRange): boolean {
    const { key, end } = range;
    const within = this.#at(key);
    if (within === undefined) return false;
    if (end === undefined || within.end === undefined) return true;
    return !isOpenEnded(end) && compareBytes(end, within.end) <= 0;
  }

  /** The interval in which a key lies. */
  #at(key: Uint8Array): Interval | undefined {
    let low = 0;
    let high = this.#intervals.length;
    // The first interval that begins after the key: only the one before it can hold it.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes((this.#intervals[middle] as Interval).start, key) <= 0) low = middle + 1;
      else high = middle;
    }
    const before = this.#intervals[low - 1];
    return before !== undefined && endsAfter(before.end, key) ? before : undefined;
  }
}

function intervalOf({ key, end }: KeyRange): Interval {
  if (end === undefined) return { start: key, end: nextKey(key) };
  return { start: key, end: isOpenEnded(end) ? undefined : end };
}

/** The first key after this one: itself with a zero byte behind. */
function nextKey(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function merged(intervals: readonly Interval[]): readonly Interval[] {
  const sorted = [...intervals].sort((a, b) => compareBytes(a.start, b.start));
  const result: Interval[] = [];
  for (const interval of sorted) {
    const last = result.at(-1);
    if (last === undefined || !reaches(last.end, interval.start)) result.push(interval);
    else if (last.end !== undefined && endsAfter(interval.end, last.end)) {
      result[result.length - 1] = { start: last.start, end: interval.end };
    }
  }
  return result;
}

/** Whether what ends there leaves no key out before `start`. */
function reaches(end: Uint8Array | undefined, start: Uint8Array): boolean {
  return end === undefined || compareBytes(end, start) >= 0;
}

function endsAfter(end: Uint8Array | undefined, key: Uint8Array): boolean {
  return end === undefined || compareBytes(end, key) > 0;
}

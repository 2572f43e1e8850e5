import { compareBytes } from '../base/bytes.js';
import { contains, isOpenEnded, prefix } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';

/** All keys that begin with the same text, as rules about them see them. An empty text: all keys. */
export class PrefixKeys {
  readonly prefix: string;
  readonly range: Required<KeyRange>;

  constructor(text: string) {
    this.prefix = text;
    this.range = prefix(text) as Required<KeyRange>;
  }

  holds(key: Uint8Array): boolean {
    return contains(this.range, key);
  }

  /** Whether a key of the range may be one of these. */
  overlaps({ key, end }: KeyRange): boolean {
    if (end === undefined) return this.holds(key);
    const isOpen = isOpenEnded(end);
    if (!isOpen && compareBytes(key, end) >= 0) return false;
    const beginsBefore = isOpenEnded(this.range.end) || compareBytes(key, this.range.end) < 0;
    return beginsBefore && (isOpen || compareBytes(this.range.key, end) < 0);
  }

  /** Whether every key of the range is one of these. */
  covers({ key, end }: KeyRange): boolean {
    if (!this.holds(key)) return false;
    if (end === undefined || isOpenEnded(this.range.end)) return true;
    return !isOpenEnded(end) && compareBytes(end, this.range.end) <= 0;
  }
}

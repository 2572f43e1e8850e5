import { assert } from '../base/assert.js';
import type { Entry, StoredLog } from './types.js';

/**
 * The entries that are not yet compacted, in memory.
 *
 * ```
 * index    1 … 6     7      8      9      10     11     12
 * term     3         3      4      4      4      5      5
 *          compacted └ firstIndex = 7                   └ lastIndex = 12
 *                  previousTerm = 3
 * ```
 *
 * Which of them are durable, committed or applied is known elsewhere; here, only that nothing is missing between the
 * first and the last, and that terms never fall (Ongaro 2014, section 3.5).
 */
export class Log {
  #firstIndex: number;
  #previousTerm: number;
  /** The first `compactedCount` of them are let go of already; they are cut off together, so that each moves seldom. */
  #entries: Entry[] = [];
  #compactedCount = 0;

  constructor({ firstIndex, previousTerm, entries }: StoredLog) {
    assert(firstIndex >= 1, 'indexes begin at 1');
    this.#firstIndex = firstIndex;
    this.#previousTerm = previousTerm;
    for (const entry of entries) this.append(entry);
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }

  /** The index of the last entry; one less than `firstIndex` if there is none. */
  get lastIndex(): number {
    return this.#firstIndex - 1 + this.#entries.length - this.#compactedCount;
  }

  get lastTerm(): number {
    return this.termAt(this.lastIndex);
  }

  /** The term of an entry that is kept, or of the last one that is not. */
  termAt(index: number): number {
    if (index === this.#firstIndex - 1) return this.#previousTerm;
    assert(index >= this.#firstIndex, 'the term of an entry is asked for before the entry is compacted');
    const entry = this.#entries[this.#at(index)];
    assert(entry !== undefined, 'the term of an entry is asked for after the entry was appended');
    return entry.term;
  }

  /** Whether the entry at `index` is known to be of `term`: it is kept, or the last one that is not. */
  has({ index, term }: { readonly index: number; readonly term: number }): boolean {
    return index >= this.#firstIndex - 1 && index <= this.lastIndex && this.termAt(index) === term;
  }

  /**
   * Where a log that has `term` at `index` may still agree with this one: the last index up to `index` whose term is not
   * above `term`. In the picture of {@link Log}: for index 12 and term 4 it is 10. Where every term that is known here is
   * above, it is the first index that is not known any more (Ongaro 2014, section 3.5, on skipping whole terms).
   */
  lastIndexUpTo({ index, term }: { readonly index: number; readonly term: number }): number {
    // Between them lies what is known; `below` is of a fitting term, or nothing is known of it, and `above` is not.
    let below = this.#firstIndex - 2;
    let above = Math.min(index, this.lastIndex) + 1;
    if (above <= below) return index;
    while (below + 1 < above) {
      const middle = (below + above) >>> 1;
      if (this.termAt(middle) <= term) below = middle;
      else above = middle;
    }
    return below;
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, 'an entry follows the last one without a gap');
    assert(entry.term >= this.lastTerm, 'terms never fall along the log');
    this.#entries.push(entry);
  }

  /** Removes the entries from `index` on. */
  truncateFrom(index: number): void {
    assert(index >= this.#firstIndex, 'what is compacted is never removed');
    if (index <= this.lastIndex) this.#entries.length = this.#at(index);
  }

  /** Forgets everything; the log goes on behind `index`. */
  restartAfter({ index, term }: { readonly index: number; readonly term: number }): void {
    this.#entries = [];
    this.#compactedCount = 0;
    this.#firstIndex = index + 1;
    this.#previousTerm = term;
  }

  /** The entries of [fromIndex, toIndex]; none if `toIndex` is before `fromIndex`. */
  entries({ fromIndex, toIndex }: { readonly fromIndex: number; readonly toIndex: number }): readonly Entry[] {
    if (toIndex < fromIndex) return NO_ENTRIES;
    assert(fromIndex >= this.#firstIndex, 'entries are read before they are compacted');
    assert(toIndex <= this.lastIndex, 'entries are read after they were appended');
    return this.#entries.slice(this.#at(fromIndex), this.#at(toIndex) + 1);
  }

  /** The entries from `fromIndex` on, with at most `bytesMax` bytes of data in all; but one entry at least. */
  entriesWithin({ fromIndex, bytesMax }: { readonly fromIndex: number; readonly bytesMax: number }): {
    readonly entries: readonly Entry[];
    readonly bytes: number;
  } {
    if (fromIndex > this.lastIndex) return { entries: NO_ENTRIES, bytes: 0 };
    const from = this.#at(fromIndex);
    let to = from;
    let bytes = 0;
    for (; to < this.#entries.length; to += 1) {
      const { length } = (this.#entries[to] as Entry).data;
      if (to > from && bytes + length > bytesMax) break;
      bytes += length;
    }
    return { entries: this.#entries.slice(from, to), bytes };
  }

  /** Lets go of the entries up to `index`; of those that are gone already, nothing happens. */
  compactTo(index: number): void {
    if (index < this.#firstIndex) return;
    this.#previousTerm = this.termAt(index);
    this.#compactedCount = this.#at(index) + 1;
    this.#firstIndex = index + 1;
    if (2 * this.#compactedCount < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#compactedCount);
    this.#compactedCount = 0;
  }

  #at(index: number): number {
    return index - this.#firstIndex + this.#compactedCount;
  }
}

const NO_ENTRIES: readonly Entry[] = [];

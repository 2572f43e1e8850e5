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
 * Which of them are durable, committed or applied is known to {@link Raft}; here, only that nothing is missing between
 * the first and the last, and that terms never fall (Ongaro 2014, section 3.5).
 */
export class Log {
  #firstIndex: number;
  #previousTerm: number;
  #entries: Entry[];

  constructor({ firstIndex, previousTerm, entries }: StoredLog) {
    assert(firstIndex >= 1, 'indexes begin at 1');
    this.#firstIndex = firstIndex;
    this.#previousTerm = previousTerm;
    this.#entries = [];
    for (const entry of entries) this.append(entry);
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }

  /** The index of the last entry; one less than `firstIndex` if there is none. */
  get lastIndex(): number {
    return this.#firstIndex + this.#entries.length - 1;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#previousTerm;
  }

  /** The term of an entry that is kept, or of the last one that is not. */
  termAt(index: number): number {
    assert(index >= this.#firstIndex - 1, 'the term of an entry is asked for before the entry is compacted');
    assert(index <= this.lastIndex, 'the term of an entry is asked for after the entry was appended');
    return this.#entries[index - this.#firstIndex]?.term ?? this.#previousTerm;
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, 'an entry follows the last one without a gap');
    assert(entry.term >= this.lastTerm, 'terms never fall along the log');
    this.#entries.push(entry);
  }

  /** The entries of [fromIndex, toIndex]; none if `toIndex` is before `fromIndex`. */
  entries({ fromIndex, toIndex }: { readonly fromIndex: number; readonly toIndex: number }): readonly Entry[] {
    if (toIndex < fromIndex) return NO_ENTRIES;
    assert(fromIndex >= this.#firstIndex, 'entries are read before they are compacted');
    assert(toIndex <= this.lastIndex, 'entries are read after they were appended');
    return this.#entries.slice(fromIndex - this.#firstIndex, toIndex - this.#firstIndex + 1);
  }

  /** Lets go of the entries up to `index`; of those that are gone already, nothing happens. */
  compactTo(index: number): void {
    if (index < this.#firstIndex) return;
    this.#previousTerm = this.termAt(index);
    this.#entries = this.#entries.slice(index - this.#firstIndex + 1);
    this.#firstIndex = index + 1;
  }
}

const NO_ENTRIES: readonly Entry[] = [];

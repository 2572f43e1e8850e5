/** How many hashes are kept: enough that members which lag behind each other by a few heartbeats still share one. */
export const RECENT_HASHES = 4_096;

/** The running hash as it was after each of the last entries. */
export class RecentHashes {
  readonly #hashes = new Float64Array(RECENT_HASHES);
  #firstIndex: number;
  #lastIndex: number;

  /** @param index - the last entry that was applied, after which the hash was this */
  constructor(index: number, hash: number) {
    this.#firstIndex = index;
    this.#lastIndex = index;
    this.#hashes[index % RECENT_HASHES] = hash;
  }

  /** Notes the hash after the next entry. */
  add(hash: number): void {
    this.#lastIndex += 1;
    this.#hashes[this.#lastIndex % RECENT_HASHES] = hash;
    if (this.#lastIndex - this.#firstIndex === RECENT_HASHES) this.#firstIndex += 1;
  }

  /** The hash after an entry; `undefined` if it was not applied yet, or too long ago. */
  at(index: number): number | undefined {
    return index >= this.#firstIndex && index <= this.#lastIndex ? this.#hashes[index % RECENT_HASHES] : undefined;
  }
}

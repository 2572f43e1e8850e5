const FIRST_NODES = 8;

/**
 * Which configurations have been visited: the operations that were carried out, the state they led to, and which of the
 * optional ones were used for it. One with more of the optional ones used can do nothing that the other cannot, so it
 * counts as visited, too. All bits lie in one flat array.
 */
export class Memo {
  readonly #doneWords: number;
  readonly #width: number;
  /** By hash, the newest node; from each node to an older one of the same hash. */
  readonly #newest = new Map<number, number>();
  #older: Int32Array;
  #pool: Uint32Array;
  #nodeCount = 0;

  constructor(doneWords: number, usedWords: number) {
    this.#doneWords = doneWords;
    this.#width = 1 + doneWords + usedWords;
    this.#older = new Int32Array(FIRST_NODES);
    this.#pool = new Uint32Array(FIRST_NODES * this.#width);
  }

  /**
   * @param hash - of `done` and `state`, the same for the same
   * @returns whether this was not visited before
   */
  visit(hash: number, { done, used, state }: Configuration): boolean {
    for (let node = this.#newest.get(hash) ?? -1; node >= 0; node = this.#older[node] as number) {
      if (this.#covers(node, done, used, state)) return false;
    }
    this.#add(hash, done, used, state);
    return true;
  }

  #covers(node: number, done: Uint32Array, used: Uint32Array, state: number): boolean {
    const pool = this.#pool;
    let at = node * this.#width;
    if (pool[at++] !== state) return false;
    for (let word = 0; word < this.#doneWords; word += 1) if (pool[at++] !== done[word]) return false;
    for (let word = 0; at < (node + 1) * this.#width; word += 1) {
      if (((pool[at++] as number) & ~(used[word] as number)) !== 0) return false;
    }
    return true;
  }

  #add(hash: number, done: Uint32Array, used: Uint32Array, state: number): void {
    if (this.#nodeCount === this.#older.length) this.#grow();
    const node = this.#nodeCount;
    this.#nodeCount += 1;
    this.#older[node] = this.#newest.get(hash) ?? -1;
    this.#newest.set(hash, node);
    const at = node * this.#width;
    this.#pool[at] = state;
    this.#pool.set(done, at + 1);
    this.#pool.set(used, at + 1 + this.#doneWords);
  }

  #grow(): void {
    const older = new Int32Array(this.#older.length * 2);
    older.set(this.#older);
    this.#older = older;
    const pool = new Uint32Array(older.length * this.#width);
    pool.set(this.#pool);
    this.#pool = pool;
  }
}

/** Where a search stands. */
export interface Configuration {
  /** Bits of the operations of this segment that were carried out. */
  readonly done: Uint32Array;
  /** Bits of the optional operations that were used. */
  readonly used: Uint32Array;
  /** The number of the state. */
  readonly state: number;
}

/** Longest list, in numbers, that is kept without room to spare. */
const EXACT_LENGTH_MAX = 16;
/** Dropped items in front are cut off once there are as many as this and as many as items are left. */
const DROPPED_MIN = 64;

/**
 * Revisions of one key in ascending order, each main.sub and whether it is a tombstone. Grows at its end and shrinks
 * at its front. Most keys have none, few have many: it is kept small first, quick second.
 */
export class RevisionList {
  /** main, sub, main, sub, ...; the sub of a tombstone is stored as its complement, which is negative. */
  #items: number[] = [];
  /** Where the first item that was not dropped begins. */
  #start = 0;

  get length(): number {
    return (this.#items.length - this.#start) / 2;
  }

  mainAt(index: number): number {
    return this.#items[this.#start + 2 * index] as number;
  }

  subAt(index: number): number {
    const sub = this.#items[this.#start + 2 * index + 1] as number;
    return sub < 0 ? ~sub : sub;
  }

  isTombstoneAt(index: number): boolean {
    return (this.#items[this.#start + 2 * index + 1] as number) < 0;
  }

  push(main: number, sub: number, isTombstone: boolean): void {
    const stored = isTombstone ? ~sub : sub;
    // An array that grows by `push` takes room for 17 numbers at once; `concat` takes what is needed.
    if (this.#items.length < EXACT_LENGTH_MAX) this.#items = this.#items.concat(main, stored);
    else this.#items.push(main, stored);
  }

  dropFirst(): void {
    this.#start += 2;
    if (this.#start >= DROPPED_MIN && this.#start * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
  }

  /** The index of the last revision whose main is at most this; -1 if there is none. */
  lastAtOrBefore(main: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.mainAt(middle) <= main) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

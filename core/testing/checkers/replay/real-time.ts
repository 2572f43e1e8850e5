/**
 * Real time against revisions: what had returned before something else was called is not of a later revision; and of an
 * earlier one, if that something made a revision. With revisions in which all answers are right, this makes the order of
 * revisions a linearization.
 */
export class RealTime {
  readonly #calls: number[] = [];
  readonly #returns: number[] = [];
  readonly #revisions: number[] = [];
  readonly #ids: number[] = [];
  readonly #changes: boolean[] = [];
  /** By a step of the highest revision that had been told: when, and of which operation. Made by {@link sweep}. */
  readonly #stepTimes: number[] = [];
  readonly #stepOwners: number[] = [];

  /**
   * Takes an operation that has returned and of which the revision is known, in any order.
   *
   * @param id - by which it is known to the caller
   */
  add(id: number, times: { call: number; return: number; revision: number; changes: boolean }): void {
    this.#ids.push(id);
    this.#calls.push(times.call);
    this.#returns.push(times.return);
    this.#revisions.push(times.revision);
    this.#changes.push(times.changes);
  }

  /**
   * Goes once through all returns in order of time.
   *
   * @returns two operations of which the earlier is of too high a revision, if there are such
   */
  sweep(): { earlier: number; later: number } | undefined {
    this.#climb();
    for (let at = 0; at < this.#ids.length; at += 1) {
      const owner = this.#highestBefore(this.#calls[at] as number);
      if (owner === undefined) continue;
      const [highest, own] = [this.#revisions[owner] as number, this.#revisions[at] as number];
      if (highest > own || (highest === own && this.#changes[at])) {
        return { earlier: this.#ids[owner] as number, later: this.#ids[at] as number };
      }
    }
    return undefined;
  }

  /** After {@link sweep}: the highest revision that had been told to anybody before this time; 0 if none. */
  toldBefore(time: number): number {
    const owner = this.#highestBefore(time);
    return owner === undefined ? 0 : (this.#revisions[owner] as number);
  }

  /** The highest revision that was told rises step by step. */
  #climb(): void {
    let highest = 0;
    for (const at of this.#byReturn()) {
      const revision = this.#revisions[at] as number;
      if (revision <= highest) continue;
      highest = revision;
      this.#stepTimes.push(this.#returns[at] as number);
      this.#stepOwners.push(at);
    }
  }

  #byReturn(): Iterable<number> {
    const order = Uint32Array.from(this.#returns.keys());
    const returns = Float64Array.from(this.#returns);
    // As it mostly is, for histories are written down in this order.
    const isSorted = returns.every((time, at) => at === 0 || (returns[at - 1] as number) <= time);
    return isSorted ? order : order.sort((a, b) => (returns[a] as number) - (returns[b] as number));
  }

  #highestBefore(time: number): number | undefined {
    let [low, high] = [0, this.#stepTimes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#stepTimes[middle] as number) < time) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#stepOwners[low - 1];
  }
}

/** Limits of the buckets, in seconds: from a millisecond to eight, each twice the one before (etcd's for disks). */
export const DISK_BUCKETS: readonly number[] = Array.from({ length: 14 }, (_, at) => 0.001 * 2 ** at);

/** How long something took, each time: as many counters as there are buckets, and nothing else. */
export class Durations {
  /** Upper limits of the buckets, in seconds. */
  readonly limits: readonly number[];
  readonly #counts: number[];
  #sumSeconds = 0;

  constructor(limits: readonly number[] = DISK_BUCKETS) {
    this.limits = limits;
    this.#counts = new Array<number>(limits.length + 1).fill(0);
  }

  observe(seconds: number): void {
    let at = 0;
    while (at < this.limits.length && seconds > (this.limits[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sumSeconds += seconds;
  }

  /** How often each bucket was met, those of shorter times not included; the last one has no limit. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  get sumSeconds(): number {
    return this.#sumSeconds;
  }
}

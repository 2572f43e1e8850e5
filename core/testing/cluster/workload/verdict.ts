const KEPT_MAX = 20;

/** What was found wrong. The first finding ends the run by the signal; later ones are counted. */
export class Verdict {
  readonly #stop = new AbortController();
  readonly #findings: string[] = [];
  readonly #toleratesEarlyLeases: boolean;
  #count = 0;
  /** Leases that ended early where that is tolerated, and what followed from it. */
  toleratedCount = 0;

  /** @param options - `toleratesEarlyLeases`: the store is known to end leases early at times; see {@link ETCD} */
  constructor(options: { readonly toleratesEarlyLeases?: boolean } = {}) {
    this.#toleratesEarlyLeases = options.toleratesEarlyLeases ?? false;
  }

  /** Aborts with the first finding. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get findings(): readonly string[] {
    return this.#findings;
  }

  get isClean(): boolean {
    return this.#count === 0;
  }

  /** Something that must never be so is so. */
  violation(what: string): void {
    this.#count += 1;
    if (this.#findings.length < KEPT_MAX) this.#findings.push(what);
    this.#stop.abort(new Error(what));
  }

  /** A lease ended early, or two hold what rests on one. */
  earlyEnd(what: string): void {
    if (this.#toleratesEarlyLeases) this.toleratedCount += 1;
    else this.violation(what);
  }

  /** @throws with everything that was found, if anything was */
  check(): void {
    if (this.isClean) return;
    throw new Error(`${this.#count} violations:\n${this.#findings.map((finding) => `- ${finding}`).join('\n')}`);
  }
}

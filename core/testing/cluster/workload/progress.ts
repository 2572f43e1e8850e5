const REFUSALS_KEPT_MAX = 20_000;

/** How the recorded clients get on: what was answered to anybody, and for how long nothing was. */
export class Progress {
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #lastWriteMs: number;
  #longestGapMs = 0;
  #isMeasuring = false;
  #endedMs: number | undefined;
  /** Operations that were answered. */
  answeredCount = 0;
  /** Of these, what changed something or tried to. */
  writeCount = 0;
  refusedCount = 0;
  readonly #refusals: { readonly by: string; readonly key: string; readonly why: string }[] = [];
  unknownCount = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
    this.#lastWriteMs = this.#startedMs;
  }

  /** Operations answered in a second, from the beginning to the end of work. */
  get ratePerSecond(): number {
    return (this.answeredCount * 1_000) / ((this.#endedMs ?? this.#nowMs()) - this.#startedMs);
  }

  /** The longest time in which no write was answered to anybody, in milliseconds. */
  get longestGapMs(): number {
    return Math.max(this.#longestGapMs, this.gapMs);
  }

  /** Since when no write has been answered to anybody, in milliseconds. */
  get gapMs(): number {
    return this.#isMeasuring ? this.#nowMs() - this.#lastWriteMs : 0;
  }

  /** Work has begun. */
  begin(): void {
    this.#isMeasuring = true;
    this.#lastWriteMs = this.#nowMs();
  }

  /** Work shall end: what comes after is not measured. */
  end(): void {
    this.#longestGapMs = this.longestGapMs;
    this.#isMeasuring = false;
    this.#endedMs ??= this.#nowMs();
  }

  answered({ isWrite }: { readonly isWrite: boolean }): void {
    this.answeredCount += 1;
    if (!isWrite) return;
    this.writeCount += 1;
    this.#longestGapMs = this.longestGapMs;
    this.#lastWriteMs = this.#nowMs();
  }

  /** It is said that nothing was done. */
  refused(by: string, key: string, error: unknown): void {
    this.refusedCount += 1;
    const { code, message, cause } = error as { code?: string; message?: string; cause?: unknown };
    const why = `${code}: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}`;
    this.#refusals.push({ by, key, why });
    if (this.#refusals.length > REFUSALS_KEPT_MAX) this.#refusals.splice(0, REFUSALS_KEPT_MAX / 2);
  }

  /** Why writes of the keys that a finding names were said to be refused: one of these may not have been. */
  refusalsOf(finding: string): string[] {
    const concerned = this.#refusals.filter(({ key }) => finding.includes(`"${key}"`));
    return concerned.map(({ by, key, why }) => `${by} was refused ${key}: ${why}`);
  }
}

import type { Tally } from './tally.js';

/** Where progress is told. */
export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

const TERMINAL_EVERY_MS = 200;
const ELSEWHERE_EVERY_MS = 30_000;

/** One line that says how far it is: written over on a terminal, now and then a new one elsewhere. */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  readonly #startedMs: number;
  #toldMs: number;
  #isLineOpen = false;

  /** @param now - milliseconds */
  constructor(output: ProgressOutput, now: () => number) {
    this.#output = output;
    this.#now = now;
    this.#startedMs = now();
    this.#toldMs = this.#startedMs;
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return this.#now() - this.#startedMs;
  }

  /** Says how far it is, unless it said so a moment ago. */
  tell(tally: Tally, seedCount: number): void {
    const now = this.#now();
    if (now - this.#toldMs < (this.#output.isTTY === true ? TERMINAL_EVERY_MS : ELSEWHERE_EVERY_MS)) return;
    this.#toldMs = now;
    const line = progressLine(tally, seedCount, this.elapsedMs);
    this.#output.write(this.#output.isTTY === true ? `\r\x1b[2K${line}` : `${line}\n`);
    this.#isLineOpen = this.#output.isTTY === true;
  }

  /** Says at once that a seed failed: whoever waits for thousands can look at it meanwhile. */
  failed(seed: number, what: string): void {
    this.end();
    this.#output.write(`seed ${seed} failed: ${what.split('\n', 1)[0]}\n`);
  }

  /** Leaves the line, so that something else can be written. */
  end(): void {
    if (this.#isLineOpen) this.#output.write('\r\x1b[2K');
    this.#isLineOpen = false;
  }
}

/** How far it is, in a line. */
export function progressLine(tally: Tally, seedCount: number, elapsedMs: number): string {
  const perMinute = (60_000 * tally.seedCount) / Math.max(1, elapsedMs);
  const failures = tally.failureCount === 0 ? '' : `, ${tally.failureCount} failed`;
  const of = seedCount >= 2 ** 31 ? '' : ` of ${seedCount}`;
  return `${tally.seedCount}${of} seeds${failures}, ${perMinute.toFixed(0)} a minute, ${hours(tally.simulatedMs)} simulated`;
}

/** A span of simulated time, in hours. */
export function hours(ms: number): string {
  return `${(ms / 3_600_000).toFixed(2)} hours`;
}

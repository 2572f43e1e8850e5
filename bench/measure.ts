/** Sorted samples answer their quantiles. */
export class Samples {
  readonly #sorted: Float64Array;

  constructor(samples: readonly number[]) {
    this.#sorted = Float64Array.from(samples).sort();
  }

  /** All the samples of several. */
  static of(several: readonly Samples[]): Samples {
    return new Samples(several.flatMap((samples) => [...samples.#sorted]));
  }

  quantile(q: number): number {
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(q * this.#sorted.length))] ?? Number.NaN;
  }

  get p50(): number {
    return this.quantile(0.5);
  }

  get p99(): number {
    return this.quantile(0.99);
  }

  get min(): number {
    return this.quantile(0);
  }
}

/** Calls `work` from `callers` loops at once until the time is over; answers calls a second. */
export async function ratePerSecond(
  callers: number,
  forMs: number,
  work: (caller: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  const until = startedAt + forMs;
  let calls = 0;
  const loop = async (caller: number) => {
    while (performance.now() < until) {
      await work(caller);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
  return calls / ((performance.now() - startedAt) / 1_000);
}

/** Milliseconds that the work took. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** One line of a bench's table: what was measured, the figure, and how it stands to its baseline. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly besides?: string;
}

export function printTable(title: string, rows: readonly Row[]): void {
  const widths = [
    Math.max(...rows.map((row) => row.what.length)),
    Math.max(...rows.map((row) => row.figure.length)),
  ] as const;
  console.log(`\n${title}`);
  for (const row of rows) {
    console.log(`  ${row.what.padEnd(widths[0])}  ${row.figure.padStart(widths[1])}  ${row.besides ?? ''}`.trimEnd());
  }
}

/** A number as people read it: 123,456 or 12.3. */
export function figure(value: number, unit = ''): string {
  const text = value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  return unit ? `${text} ${unit}` : text;
}

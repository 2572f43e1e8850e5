import { type RunOptions, type RunResult, runNemesis } from './run.js';

/** A run is judged as a whole, so it is kept to what fits in memory; then another one begins, with the next seed. */
const RUN_MS_MOST = 4 * 60_000;

/** What came of all runs together. */
export interface Summary {
  readonly program: string;
  readonly members: number;
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly violations: readonly string[];
  /** Sums over all runs, but for rates and longest times. */
  readonly figures: Readonly<Record<string, number>>;
  /** How often each fault struck. */
  readonly strikes: Readonly<Record<string, number>>;
  /** Faults that could not be had here, with the reasons. */
  readonly left: Readonly<Record<string, string>>;
}

/** Runs one cluster after another for so long; ends with the first that breaks a promise. */
export async function runFor(forMs: number, options: Omit<RunOptions, 'forMs'>): Promise<Summary> {
  const { seed, size, program, signal, tell } = options;
  const startedMs = performance.now();
  const runCount = Math.ceil(forMs / RUN_MS_MOST);
  const results: RunResult[] = [];
  for (let run = 0; run < runCount && !signal.aborted; run += 1) {
    tell(`${size} members of ${program.name}, run ${run + 1} of ${runCount}, --seed ${seed + run}`);
    const result = await runNemesis({ ...options, seed: seed + run, forMs: forMs / runCount });
    results.push(result);
    if (result.violations.length > 0) break;
  }
  return {
    program: program.name,
    members: size,
    seeds: results.map((result) => result.seed),
    seconds: Math.round((performance.now() - startedMs) / 1_000),
    violations: results.flatMap(({ violations }) => violations),
    figures: together(results.map(({ figures }) => figures)),
    strikes: together(results.map(({ strikes }) => strikes)),
    left: results[0]?.left ?? {},
  };
}

function together(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const whole: Record<string, number> = {};
  for (const part of parts) {
    for (const [what, count] of Object.entries(part)) {
      const before = whole[what];
      if (before === undefined) whole[what] = count;
      else if (what.startsWith('longest')) whole[what] = Math.max(before, count);
      else if (what.endsWith('PerSecond')) whole[what] = Math.min(before, count);
      else whole[what] = before + count;
    }
  }
  return whole;
}

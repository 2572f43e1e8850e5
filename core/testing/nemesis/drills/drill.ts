import type { MemberProgram } from '../../cluster/member-program.js';

/** What a drill is told. */
export interface DrillOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly size: number;
  readonly program: MemberProgram;
  readonly tell: (line: string) => void;
  /** Ends it sooner, in good order. */
  readonly signal: AbortSignal;
}

/** What came of a drill. */
export interface DrillResult {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number | string>>;
  /** Why it was not done at all. */
  readonly skipped?: string;
}

/** One outage, again and again, and what must hold in each. */
export interface Drill {
  readonly name: string;
  /** How often, if nobody says. */
  readonly rounds: number;
  readonly run: (options: DrillOptions) => Promise<DrillResult>;
}

/** Percentiles of times, in whole milliseconds. */
export function quantiles(name: string, ms: readonly number[]): Record<string, number> {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0);
  return { [`${name}P50`]: at(0.5), [`${name}P99`]: at(0.99), [`${name}Max`]: at(1) };
}

import type { Fault } from '../faults/fault.js';
import type { SeedOptions } from '../faults/seed-options.js';

/** What is to be run: everything follows from the seed, except what is given in its place. */
export interface SeedTask {
  readonly seed: number;
  /** These happen, and nothing else. Default: drawn from the seed. */
  readonly faults?: readonly Fault[];
  /** The world is like this. Default: drawn from the seed. */
  readonly options?: SeedOptions;
}

/** A promise that was broken. */
export interface Violation {
  readonly what: string;
  readonly simulatedMs: number;
}

/** What came of a seed. */
export interface SeedResult {
  readonly seed: number;
  readonly violation?: Violation;
  /** The rolling hash over everything that happened. */
  readonly traceHash: string;
  readonly events: number;
  readonly simulatedMs: number;
  /** What was hit, by kind: messages that were lost, syncs that failed, members that went down. */
  readonly effects: ReadonlyMap<string, number>;
  /** Faults that had an effect, by kind: each counted once, however much it hit. */
  readonly effective: ReadonlyMap<string, number>;
  /** Paths of the code that were reached. */
  readonly reached: ReadonlySet<string>;
  /** What the world was like; absent if it did not come so far. */
  readonly options?: SeedOptions;
  /** All that happened, including what was added so that enough did. */
  readonly faults: readonly Fault[];
  readonly lastEvents: readonly string[];
  /** What clients had done. */
  readonly operations: number;
  /** Processor time that it took, in milliseconds, where that was measured. */
  readonly processorMs?: number;
}

/** A result as it goes from one process to another. */
export type ResultMessage = Omit<SeedResult, 'effects' | 'effective' | 'reached'> & {
  readonly effects: readonly (readonly [string, number])[];
  readonly effective: readonly (readonly [string, number])[];
  readonly reached: readonly string[];
};

/** A result as plain data. */
export function toMessage(result: SeedResult): ResultMessage {
  const { effects, effective, reached } = result;
  return { ...result, effects: [...effects], effective: [...effective], reached: [...reached] };
}

/** What {@link toMessage} was given. */
export function fromMessage(message: ResultMessage): SeedResult {
  const { effects, effective, reached } = message;
  return { ...message, effects: new Map(effects), effective: new Map(effective), reached: new Set(reached) };
}

/** Whether two violations are one and the same, as far as can be told: the numbers and names in them may differ. */
export function isSameViolation(one: Violation | undefined, other: Violation | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return inGeneral(one.what) === inGeneral(other.what);
}

/** Without what differs from run to run; the first line says what it is. */
function inGeneral(what: string): string {
  const [line = ''] = what.split('\n', 1);
  return line.replace(/\bm\d+\b|\bc\d+\b|0x[0-9a-f]+|\b[0-9a-f]{6,}\b|\d+/g, '#').replace(/'[^']*'|"[^"]*"/g, "'#'");
}

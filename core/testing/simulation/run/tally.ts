import { createHash } from 'node:crypto';
import type { SeedResult } from './seed-result.js';

/** How often something was hit. */
interface Hits {
  /** Faults of a kind that had an effect, or what they hit. */
  count: number;
  seedCount: number;
}

const TRACE_HASH_DIGITS = 16;

/** Sums up many seeds. */
export class Tally {
  seedCount = 0;
  failureCount = 0;
  simulatedMs = 0;
  /** Processor time, in milliseconds. */
  processorMs = 0;
  operations = 0;
  events = 0;
  /** Seeds in which less happened than has to for a seed to count. */
  readonly calmSeeds: number[] = [];
  readonly effective = new Map<string, Hits>();
  readonly effects = new Map<string, Hits>();
  readonly reached = new Map<string, number>();
  readonly #traces: string[] = [];

  /** A hash over what happened in each seed, as `seed: hash`, whichever ended first. */
  get traces(): readonly string[] {
    return this.#traces.sort();
  }

  /** One hash over all of them: who runs the same seeds again has it again. */
  get traceHash(): string {
    const hash = createHash('sha256');
    for (const trace of this.traces) hash.update(`${trace}\n`);
    return hash.digest('hex').slice(0, TRACE_HASH_DIGITS);
  }

  /** @param isDrawn - enough has to happen in it; of a list of faults that was given, nobody demands that */
  add(result: SeedResult, isDrawn = true): void {
    this.seedCount += 1;
    this.#traces.push(`${result.seed}: ${result.traceHash}`);
    this.simulatedMs += result.simulatedMs;
    this.operations += result.operations;
    this.processorMs += result.processorMs ?? 0;
    this.events += result.events;
    if (result.violation !== undefined) this.failureCount += 1;
    else if (isDrawn && !isEventful(result.effective)) this.calmSeeds.push(result.seed);
    hit(this.effective, result.effective);
    hit(this.effects, result.effects);
    for (const path of result.reached) this.reached.set(path, (this.reached.get(path) ?? 0) + 1);
  }
}

const EFFECTIVE_LEAST = 5;
const KINDS_LEAST = 2;

/** Whether enough happened for a seed to show anything: five faults that had an effect, of two kinds. */
export function isEventful(effective: ReadonlyMap<string, number>): boolean {
  return effective.size >= KINDS_LEAST && sum(effective.values()) >= EFFECTIVE_LEAST;
}

/** The sum of some numbers. */
export function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function hit(hits: Map<string, Hits>, counts: ReadonlyMap<string, number>): void {
  for (const [kind, count] of counts) {
    const known = hits.get(kind) ?? { count: 0, seedCount: 0 };
    if (count > 0) hits.set(kind, { count: known.count + count, seedCount: known.seedCount + 1 });
  }
}

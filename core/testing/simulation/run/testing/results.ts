import type { Fault } from '../../faults/fault.js';
import type { SeedRunner } from '../seed-process.js';
import type { SeedResult, SeedTask } from '../seed-result.js';

/** A result of a seed that went well, but for what is given. */
export function resultOf(seed: number, given: Partial<SeedResult> = {}): SeedResult {
  return {
    seed,
    traceHash: `trace of ${seed}`,
    events: 1_000,
    simulatedMs: 36_000,
    effects: new Map([['loss', 40]]),
    effective: new Map([
      ['kill', 3],
      ['loss', 2],
    ]),
    reached: new Set(['elected']),
    faults: [],
    lastEvents: [],
    operations: 100,
    ...given,
  };
}

/** Somebody who runs seeds in an artificial world, and remembers which. */
export class ArtificialRunner implements SeedRunner {
  readonly tasks: SeedTask[] = [];
  closeCount = 0;
  readonly #runTask: (task: SeedTask, runCount: number) => SeedResult;

  constructor(runTask: (task: SeedTask, runCount: number) => SeedResult) {
    this.#runTask = runTask;
  }

  async run(task: SeedTask): Promise<SeedResult> {
    this.tasks.push(task);
    return this.#runTask(task, this.tasks.length);
  }

  async close(): Promise<void> {
    this.closeCount += 1;
  }
}

/** Faults that differ in their time alone. */
export function someKills(count: number): readonly Fault[] {
  return Array.from({ length: count }, (_, at) => ({
    atMs: 1_000 * (at + 1),
    kind: 'kill' as const,
    victim: { role: 'any' as const, pick: 0 },
    downMs: 100,
  }));
}

import type { Fault } from '../faults/fault.js';
import { FAULT_KINDS } from '../faults/plan.js';
import type { SimulationArguments } from './arguments.js';
import type { FailedSeed } from './failed-seeds.js';
import type { Progress } from './progress.js';
import type { SeedRunner } from './seed-process.js';
import { isSameViolation, type SeedResult, type SeedTask } from './seed-result.js';
import { shrink, type Shrunk } from './shrink.js';
import { Tally } from './tally.js';

/** A seed that failed, and which of its faults it needs for that. */
export interface Failure {
  readonly result: SeedResult;
  /** Absent if it does not fail again, or there was no time for it. */
  readonly shrunk?: Shrunk<Fault>;
  /** What is peculiar about it. */
  readonly remark?: string;
}

/** What came of many seeds. */
export interface CampaignResult {
  readonly tally: Tally;
  readonly failures: readonly Failure[];
  readonly elapsedMs: number;
  /** Seeds run a second time, with the same trace. */
  readonly twiceCount: number;
}

export interface CampaignParts {
  readonly runners: readonly SeedRunner[];
  /** Run first. */
  readonly corpus: readonly FailedSeed[];
  readonly progress: Progress;
  /** Ends it in good order after the seeds under way. */
  readonly signal: AbortSignal;
  /** In place of those that are drawn from the seed. */
  readonly faults?: readonly Fault[] | undefined;
}

const FAILURES_MAX = 20;

/** Runs seeds side by side, and finds out about those that fail. */
export class Campaign {
  readonly #settings: SimulationArguments;
  readonly #parts: CampaignParts;
  readonly #tally = new Tally();
  readonly #failures: Failure[] = [];
  readonly #tasks: Iterator<SeedTask, undefined>;
  #twiceCount = 0;

  constructor(settings: SimulationArguments, parts: CampaignParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#tasks = this.#eachTask();
  }

  /** Runs every seed, or until one fails. */
  async run(): Promise<CampaignResult> {
    const { runners, progress } = this.#parts;
    await Promise.all(runners.map((runner) => this.#work(runner)));
    progress.end();
    return {
      tally: this.#tally,
      failures: this.#failures,
      elapsedMs: progress.elapsedMs,
      twiceCount: this.#twiceCount,
    };
  }

  async #work(runner: SeedRunner): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const result = await runner.run(next);
      this.#tally.add(result, next.faults === undefined);
      this.#parts.progress.tell(this.#tally, this.#seedCount);
      if (result.violation !== undefined) await this.#investigate(runner, next, result);
      else if (this.#settings.twice) await this.#repeat(runner, next, result);
    }
  }

  get #seedCount(): number {
    return this.#settings.seedCount + (this.#settings.corpus ? this.#parts.corpus.length : 0);
  }

  *#eachTask(): Iterator<SeedTask, undefined> {
    const { corpus, from, seedCount } = this.#settings;
    if (corpus) yield* this.#parts.corpus;
    const { faults } = this.#parts;
    for (let seed = from; seed < from + seedCount; seed += 1) yield { seed, ...(faults && { faults }) };
    return undefined;
  }

  #next(): SeedTask | undefined {
    const { minutes, keepGoing } = this.#settings;
    const { signal, progress } = this.#parts;
    const isOver = minutes !== undefined && progress.elapsedMs > 60_000 * minutes;
    const isEnough = this.#failures.length >= (keepGoing ? FAILURES_MAX : 1);
    if (signal.aborted || isOver || isEnough) return undefined;
    return this.#tasks.next().value;
  }

  /** Another process must come to the same trace. */
  async #repeat(runner: SeedRunner, task: SeedTask, first: SeedResult): Promise<void> {
    await runner.close();
    const second = await runner.run(task);
    this.#twiceCount += 1;
    if (second.traceHash === first.traceHash) return;
    const what = `the same seed gave another trace in another process: ${first.traceHash} and ${second.traceHash}`;
    this.#failures.push({ result: { ...second, violation: { what, simulatedMs: second.simulatedMs } } });
  }

  async #investigate(runner: SeedRunner, task: SeedTask, result: SeedResult): Promise<void> {
    this.#parts.progress.failed(result.seed, result.violation?.what ?? '');
    // Only the first is worth the time, unless all are asked for.
    if (this.#failures.length > 0 && !this.#settings.keepGoing) return;
    const at = this.#failures.push({ result }) - 1;
    this.#failures[at] = await this.#explain(runner, task, result);
  }

  async #explain(runner: SeedRunner, task: SeedTask, result: SeedResult): Promise<Failure> {
    const { shrinkRuns } = this.#settings;
    if (shrinkRuns === 0) return { result };
    const failsWith = async (faults: readonly Fault[]) => {
      const again = await runner.run({ ...task, faults });
      return isSameViolation(again.violation, result.violation);
    };
    const known = result.faults.filter(({ kind }) => FAULT_KINDS.has(kind));
    if (!(await failsWith(known))) {
      return { result, remark: 'it does not fail in the same way when the faults are given as a list' };
    }
    return { result, shrunk: await shrink(known, failsWith, shrinkRuns) };
  }
}

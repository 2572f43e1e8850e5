import { createHash } from 'node:crypto';
import type { VirtualDisk } from '../simulation/disk/virtual-disk.js';
import { type Choice, CHOICES, diskAfter } from './choices.js';
import type { Crash, Rehearsable, Rehearsal } from './rehearsal.js';
import { ended } from './turns.js';

/**
 * Turns of the event loop that each part of a case may take: what leads to the crash, a recovery, the way back to the
 * others. Those of the scenarios take up to 35,000.
 */
export const TURNS_MAX = 1_000_000;

/** Which of the operations of a scenario a crash interrupts: every `every`th, from `from` on. */
export interface Stride {
  readonly from: number;
  readonly every: number;
}

/** Where in a scenario the search is. */
export interface Place {
  readonly name: string;
  /** The operation of the disk that a crash interrupts. Absent: there is no crash. */
  readonly at?: number | undefined;
  /** Absent: it has not come to that yet. */
  readonly choice?: Choice | undefined;
}

/** A crash that was not recovered from as it must be, or a scenario that did not come to its end even without one. */
export interface Failure {
  readonly place: Place;
  /** During which operation of the disk the crash came, if it came to that. */
  readonly operation?: string;
  readonly error: Error;
}

/** What became of a scenario. */
export interface ScenarioResult {
  readonly name: string;
  /** Operations of the disk. */
  readonly operationCount: number;
  /** Crashes: a moment, and a choice of what survives. */
  readonly caseCount: number;
  /** Different disks that they left; each is recovered from once. */
  readonly diskCount: number;
  readonly failures: readonly Failure[];
}

export interface RunOptions {
  /** For so many operations. Default: all of them. */
  readonly strideFor?: (operationCount: number) => Stride;
  readonly choices?: readonly Choice[];
  /** After a failure, too. */
  readonly keepsGoing?: boolean;
  /** Asked before each crash: ends the scenario in good order. */
  readonly isOver?: () => boolean;
  /** Told before each piece of work where it belongs. */
  readonly onPlace?: (place: Place) => void;
  /** Of each part of a case; see {@link TURNS_MAX}. */
  readonly turnsMax?: number;
}

/** Crashes a scenario at each operation of its disk that the stride meets, with each choice of what survives. */
export async function runScenario(scenario: Rehearsable, options: RunOptions = {}): Promise<ScenarioResult> {
  return new ScenarioRun(scenario, options).run();
}

class ScenarioRun {
  readonly #scenario: Rehearsable;
  readonly #options: RunOptions;
  readonly #choices: readonly Choice[];
  readonly #failures: Failure[] = [];
  #caseCount = 0;
  #diskCount = 0;

  constructor(scenario: Rehearsable, options: RunOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#choices = options.choices ?? CHOICES;
  }

  async run(): Promise<ScenarioResult> {
    const rehearsal = await this.#tried({}, 'the scenario', () => this.#scenario.rehearse());
    if (rehearsal !== undefined) await this.#crashEverywhere(rehearsal);
    return {
      name: this.#scenario.name,
      operationCount: rehearsal?.operationCount ?? 0,
      caseCount: this.#caseCount,
      diskCount: this.#diskCount,
      failures: this.#failures,
    };
  }

  async #crashEverywhere(rehearsal: Rehearsal): Promise<void> {
    const { strideFor = () => ({ from: 0, every: 1 }), keepsGoing = true, isOver = () => false } = this.#options;
    const { operationCount } = rehearsal;
    const { from, every } = strideFor(operationCount);
    for (let at = from; at < operationCount && !isOver(); at += every) {
      if (!keepsGoing && this.#failures.length > 0) return;
      this.#caseCount += this.#choices.length;
      const crash = await this.#tried({ at }, 'what leads to the crash', () => rehearsal.crashAt(at));
      if (crash !== undefined) await this.#recoverFromAll(crash, at);
    }
  }

  async #recoverFromAll(crash: Crash, at: number): Promise<void> {
    const operation = `${crash.operation.name} ${crash.operation.path}`;
    const seen = new Set<string>();
    for (const choice of this.#choices) {
      const disk = diskAfter(crash.disk, choice, at);
      const digest = choice === 'killed' ? choice : digestOf(disk);
      if (seen.has(digest)) continue;
      seen.add(digest);
      await this.#tried({ at, choice }, 'the recovery', () => crash.recover(disk), operation);
    }
    this.#diskCount += seen.size;
    const choice = this.#choices[at % this.#choices.length] as Choice;
    const rejoin = async () => crash.rejoin?.(diskAfter(crash.disk, choice, at));
    await this.#tried({ at, choice }, 'the way back to the others', rejoin, operation);
  }

  /** @returns what the work comes to; nothing, and a failure more, if it fails or does not end */
  async #tried<T>(
    where: Omit<Place, 'name'>,
    what: string,
    work: () => Promise<T>,
    operation?: string,
  ): Promise<T | undefined> {
    const place = { name: this.#scenario.name, ...where };
    const { onPlace, turnsMax = TURNS_MAX } = this.#options;
    onPlace?.(place);
    try {
      return await ended(work(), what, turnsMax);
    } catch (error) {
      this.#failures.push({ place, ...(operation !== undefined && { operation }), error: error as Error });
      return undefined;
    }
  }
}

/** The same for disks that hold the same. */
function digestOf(disk: VirtualDisk): string {
  const hash = createHash('sha1');
  for (const { path, sizeBytes } of disk.files()) hash.update(`${path} ${sizeBytes}\n`).update(disk.contentOf(path));
  return hash.digest('hex');
}

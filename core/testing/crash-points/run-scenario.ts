import { createHash } from 'node:crypto';
import type { VirtualDisk } from '../simulation/disk/virtual-disk.js';
import { type Choice, CHOICES, diskAfter } from './choices.js';
import type { Crash, Rehearsable, Rehearsal } from './rehearsal.js';

/** Which of the operations of a scenario a crash interrupts: every `every`th, from `from` on. */
export interface Stride {
  readonly from: number;
  readonly every: number;
}

/** A crash that was not recovered from as it must be, or a scenario that did not come to its end even without one. */
export interface Failure {
  readonly crash?: { readonly at: number; readonly operation: string; readonly choice: Choice };
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
}

/** Crashes a scenario at each operation of its disk that the stride meets, with each choice of what survives. */
export async function runScenario(scenario: Rehearsable, options: RunOptions = {}): Promise<ScenarioResult> {
  const counted = { name: scenario.name, operationCount: 0, caseCount: 0, diskCount: 0, failures: [] as Failure[] };
  try {
    await crashEverywhere(await scenario.rehearse(), options, counted);
  } catch (error) {
    counted.failures.push({ error: error as Error });
  }
  return counted;
}

type Counted = { -readonly [Name in keyof ScenarioResult]: ScenarioResult[Name] } & { readonly failures: Failure[] };

async function crashEverywhere(rehearsal: Rehearsal, options: RunOptions, counted: Counted): Promise<void> {
  const { strideFor = () => ({ from: 0, every: 1 }), choices = CHOICES, keepsGoing = true } = options;
  const { operationCount } = rehearsal;
  counted.operationCount = operationCount;
  const { from, every } = strideFor(operationCount);
  for (let at = from; at < operationCount && (keepsGoing || counted.failures.length === 0); at += every) {
    counted.caseCount += choices.length;
    await recoverFromAll(await rehearsal.crashAt(at), at, choices, counted);
  }
}

async function recoverFromAll(crash: Crash, at: number, choices: readonly Choice[], counted: Counted): Promise<void> {
  const operation = `${crash.operation.name} ${crash.operation.path}`;
  const tried = async (choice: Choice, work: Promise<void> | undefined) => {
    const failed = (error: unknown) => {
      counted.failures.push({ crash: { at, operation, choice }, error: error as Error });
    };
    await work?.catch(failed);
  };
  const seen = new Set<string>();
  for (const choice of choices) {
    const disk = diskAfter(crash.disk, choice, at);
    const digest = choice === 'killed' ? choice : digestOf(disk);
    if (seen.has(digest)) continue;
    seen.add(digest);
    await tried(choice, crash.recover(disk));
  }
  counted.diskCount += seen.size;
  const choice = choices[at % choices.length] as Choice;
  await tried(choice, crash.rejoin?.(diskAfter(crash.disk, choice, at)));
}

/** The same for disks that hold the same. */
function digestOf(disk: VirtualDisk): string {
  const hash = createHash('sha1');
  for (const { path, sizeBytes } of disk.files()) hash.update(`${path} ${sizeBytes}\n`).update(disk.contentOf(path));
  return hash.digest('hex');
}

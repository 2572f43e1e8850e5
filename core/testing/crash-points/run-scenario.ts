import { createHash } from 'node:crypto';
import type { VirtualDisk } from '../simulation/disk/virtual-disk.js';
import { type Choice, CHOICES, diskAfter } from './choices.js';
import type { Crash, Rehearsable } from './rehearsal.js';

/** Which of the operations of a scenario a crash interrupts: every `every`th, from `from` on. */
export interface Stride {
  readonly from: number;
  readonly every: number;
}

/** A crash that was not recovered from as it must be. */
export interface Failure {
  readonly at: number;
  readonly operation: string;
  readonly choice: Choice;
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
  const { strideFor = () => ({ from: 0, every: 1 }), choices = CHOICES, keepsGoing = true } = options;
  const rehearsal = await scenario.rehearse();
  const { operationCount } = rehearsal;
  const { from, every } = strideFor(operationCount);
  const failures: Failure[] = [];
  let [caseCount, diskCount] = [0, 0];
  for (let at = from; at < operationCount && (keepsGoing || failures.length === 0); at += every) {
    const result = await recoverFromAll(await rehearsal.crashAt(at), at, choices);
    caseCount += choices.length;
    diskCount += result.diskCount;
    failures.push(...result.failures);
  }
  return { name: scenario.name, operationCount, caseCount, diskCount, failures };
}

async function recoverFromAll(
  crash: Crash,
  at: number,
  choices: readonly Choice[],
): Promise<Pick<ScenarioResult, 'diskCount' | 'failures'>> {
  const operation = `${crash.operation.name} ${crash.operation.path}`;
  const failures: Failure[] = [];
  const tried = async (choice: Choice, work: Promise<void> | undefined) => {
    await work?.catch((error: unknown) => failures.push({ at, operation, choice, error: error as Error }));
  };
  const seen = new Set<string>();
  for (const choice of choices) {
    const disk = diskAfter(crash.disk, choice, at);
    const digest = choice === 'killed' ? choice : digestOf(disk);
    if (seen.has(digest)) continue;
    seen.add(digest);
    await tried(choice, crash.recover(disk));
  }
  const choice = choices[at % choices.length] as Choice;
  await tried(choice, crash.rejoin?.(diskAfter(crash.disk, choice, at)));
  return { diskCount: seen.size, failures };
}

/** The same for disks that hold the same. */
function digestOf(disk: VirtualDisk): string {
  const hash = createHash('sha1');
  for (const { path, sizeBytes } of disk.files()) hash.update(`${path} ${sizeBytes}\n`).update(disk.contentOf(path));
  return hash.digest('hex');
}

import { createHash } from 'node:crypto';
import type { VirtualDisk } from '../simulation/disk/virtual-disk.js';
import { type Choice, CHOICES, diskAfter } from './choices.js';
import { playThrough, playUntil } from './crash.js';
import { crashAgain, recover, type Recovery } from './recovery.js';
import type { Scenario } from './scenario.js';

/** Which of the operations of a scenario a crash interrupts: every `every`th, from `from` on. */
export interface Stride {
  readonly from: number;
  readonly every: number;
}

/** A crash that was not recovered from as it must be. */
export interface Failure {
  readonly scenario: string;
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

/**
 * Crashes a scenario at each operation of its disk that the stride meets, with each choice of what survives.
 *
 * @param strideFor - for so many operations
 * @param keepsGoing - after a failure, too
 */
export async function runScenario(
  scenario: Scenario,
  strideFor: (operationCount: number) => Stride = () => ({ from: 0, every: 1 }),
  choices: readonly Choice[] = CHOICES,
  keepsGoing = true,
): Promise<ScenarioResult> {
  const reference = await playThrough(scenario);
  const { operationCount } = reference;
  const { from, every } = strideFor(operationCount);
  const failures: Failure[] = [];
  let [caseCount, diskCount] = [0, 0];
  for (let at = from; at < operationCount && (keepsGoing || failures.length === 0); at += every) {
    const crash = await playUntil(scenario, at);
    const seen = new Set<string>();
    for (const choice of choices) {
      caseCount += 1;
      const disk = diskAfter(crash.disk, choice, at);
      const digest = choice === 'killed' ? choice : digestOf(disk);
      if (seen.has(digest)) continue;
      seen.add(digest);
      diskCount += 1;
      const error = await check(disk, { scenario, reference, crash }, at);
      const operation = `${crash.operation.name} ${crash.operation.path}`;
      if (error !== undefined) failures.push({ scenario: scenario.name, at, operation, choice, error });
    }
  }
  return { name: scenario.name, operationCount, caseCount, diskCount, failures };
}

/** Recovers; and recovers again from a crash in the middle of that. */
async function check(disk: VirtualDisk, recovery: Recovery, at: number): Promise<Error | undefined> {
  try {
    const spare = disk.afterKill();
    const operationCount = await recover(disk, recovery);
    const left = await crashAgain(spare, recovery, at % operationCount);
    await recover(left.afterPowerCut(at % 2 === 0 ? 'nothing' : 'last torn'), recovery);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** The same for disks that hold the same. */
function digestOf(disk: VirtualDisk): string {
  const hash = createHash('sha1');
  for (const { path, sizeBytes } of disk.files()) hash.update(`${path} ${sizeBytes}\n`).update(disk.contentOf(path));
  return hash.digest('hex');
}

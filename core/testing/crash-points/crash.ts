import type { DiskOperation, VirtualDisk } from '../simulation/disk/virtual-disk.js';
import { VirtualDisk as EmptyDisk } from '../simulation/disk/virtual-disk.js';
import type { Promises } from './promises.js';
import { Record } from './record.js';
import type { Scenario } from './scenario.js';
import { Stage } from './stage.js';
import { turns } from './turns.js';
import { Violation } from './violation.js';

/** A run without a crash. */
export interface Reference {
  readonly record: Record;
  /** How many operations of the disk there are in it, each of which a crash may interrupt. */
  readonly operationCount: number;
}

/** What a crash has left. */
export interface Crash {
  /** Nothing has been decided yet of what was not synced. */
  readonly disk: VirtualDisk;
  readonly promises: Promises;
  /** During which operation it came. */
  readonly operation: DiskOperation;
}

const SEED = 1;
/** What was already under way when the power was cut may still be answered, wrongly; and is waited for so long. */
const LAST_TURNS = 20;

/** Goes through a scenario without a crash. */
export async function playThrough(scenario: Scenario): Promise<Reference> {
  const stage = new Stage(new EmptyDisk(), SEED, scenario.settings, { record: new Record() });
  await scenario.before?.(stage);
  const before = stage.operationCount;
  await scenario.act(stage);
  return { record: stage.record as Record, operationCount: stage.operationCount - before };
}

/**
 * Goes through a scenario up to one operation of its disk, in which the power is cut.
 *
 * @param at - counted from 0
 */
export async function playUntil(scenario: Scenario, at: number): Promise<Crash> {
  const stage = new Stage(new EmptyDisk(), SEED, scenario.settings);
  await scenario.before?.(stage);
  const number = stage.operationCount + at;
  let operation: DiskOperation | undefined;
  stage.cutAt = (each) => {
    if (each.number === number) operation = each;
    return each.number === number;
  };
  let failure: unknown;
  let hasEnded = false;
  void scenario.act(stage).then(
    () => (hasEnded = true),
    (error: unknown) => {
      failure = error;
      hasEnded = true;
    },
  );
  while (!hasEnded && !stage.isCut) await turns(1);
  await turns(LAST_TURNS);
  if (operation === undefined) throw new Violation(`operation ${at} is not reached: ${String(failure)}`);
  return { disk: stage.disk, promises: stage.promises, operation };
}

import { type DiskOperation, VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import { Record } from '../record.js';
import type { Crash, Rehearsable } from '../rehearsal.js';
import { turns } from '../turns.js';
import { Violation } from '../violation.js';
import { crashAgain, recover } from './recovery.js';
import type { Scenario } from './scenario.js';
import { Stage } from './stage.js';

const SEED = 1;
/** What was already under way when the power was cut may still be answered, wrongly; and is waited for so long. */
const LAST_TURNS = 20;

/** A member that is alone, and crashes in what a scenario lets it do. */
export function alone(scenario: Scenario): Rehearsable {
  return {
    name: scenario.name,
    async rehearse() {
      const stage = new Stage(new VirtualDisk(), SEED, scenario.settings, { record: new Record(), isReference: true });
      await scenario.before?.(stage);
      const before = stage.operationCount;
      await scenario.act(stage);
      const record = stage.record as Record;
      return {
        operationCount: stage.operationCount - before,
        crashAt: (at) => crashAt(scenario, record, at),
      };
    },
  };
}

async function crashAt(scenario: Scenario, record: Record, at: number): Promise<Crash> {
  const stage = new Stage(new VirtualDisk(), SEED, scenario.settings);
  await scenario.before?.(stage);
  const operation = await actUntil(scenario, stage, stage.operationCount + at);
  const known = { scenario, record, promises: stage.promises };
  return {
    disk: stage.disk,
    operation,
    async recover(disk) {
      const spare = disk.afterKill();
      const operationCount = await recover(disk, known, { endsOrderly: at % 2 === 0 });
      const left = await crashAgain(spare, known, at % operationCount);
      await recover(left.afterPowerCut(at % 2 === 0 ? 'nothing' : 'last torn'), known, { endsOrderly: true });
    },
  };
}

/** @returns the operation in which the power was cut */
async function actUntil(scenario: Scenario, stage: Stage, number: number): Promise<DiskOperation> {
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
  if (operation === undefined) throw new Violation(`operation ${number} is not reached: ${String(failure)}`);
  return operation;
}

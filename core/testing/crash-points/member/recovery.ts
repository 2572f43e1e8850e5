import { toText } from '../../../base/bytes.js';
import type { VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import type { Promises } from '../promises.js';
import type { Record } from '../record.js';
import { ended } from '../turns.js';
import { mustHold } from '../violation.js';
import type { Scenario } from './scenario.js';
import { Stage } from './stage.js';

const SEED = 1_000;

/** What a recovery is compared with. */
export interface KnownBefore {
  readonly scenario: Scenario;
  readonly record: Record;
  readonly promises: Promises;
}

/**
 * Starts the member on what a crash has left, and checks that all that was promised is there, in a state that it had after
 * one entry of its log; that it takes writes; and that it is the same once more after the power was cut again.
 *
 * @returns how many operations of the disk the start took
 * @throws {@link Violation}, or whatever the member failed with
 */
export async function recover(
  disk: VirtualDisk,
  { scenario, record, promises }: KnownBefore,
  { endsOrderly }: { readonly endsOrderly: boolean },
): Promise<number> {
  const stage = new Stage(disk, SEED, scenario.settings, { promises, record });
  await ended(restart(scenario, stage), 'the start');
  const { operationCount } = stage;
  const { revision } = stage.running.member;
  mustHold(revision >= promises.revision, () => `the revision is ${revision}, and ${promises.revision} was answered`);
  await ended(stage.put('recovered', 'once'), 'a write after the start');
  if (endsOrderly) await ended(stage.close(), 'the close');
  const again = new Stage(stage.disk.afterPowerCut('nothing'), SEED + 1, scenario.settings, stage);
  await ended(again.start(), 'the second start');
  const read = await ended(again.store.get('recovered'), 'a read after the second start');
  mustHold(read !== undefined && toText(read.value) === 'once', () => 'a write after the first start is lost');
  return operationCount;
}

/**
 * Starts the member on what a crash has left, and cuts the power again before that is done.
 *
 * @returns the disk, of which nothing has been decided that was not synced
 */
export async function crashAgain(
  disk: VirtualDisk,
  { scenario, promises }: KnownBefore,
  at: number,
): Promise<VirtualDisk> {
  const stage = new Stage(disk, SEED, scenario.settings, { promises });
  stage.cutAt = ({ number }) => number === at;
  await ended(
    restart(scenario, stage).catch(() => undefined),
    'the start whose power is cut',
  );
  return stage.disk;
}

function restart(scenario: Scenario, stage: Stage): Promise<void> {
  return scenario.restart?.(stage) ?? stage.start();
}

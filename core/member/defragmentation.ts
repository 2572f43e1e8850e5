import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Replica } from './replica.js';
import type { SpaceKeeper } from './space-keeper.js';
import type { StateStore } from './state-store.js';

export interface DefragmentationParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absent where nothing is on a disk, so that there is nothing to do. */
  readonly stateStore?: StateStore | undefined;
}

/**
 * Has the engine of the state in force written anew, without the space that it does not use.
 *
 * @throws as {@link StateStore.defragment}, or why the member has ended
 */
export async function defragment(
  replica: Pick<Replica, 'readHere' | 'assertRunning'>,
  space: Pick<SpaceKeeper, 'look'>,
  { clock, logger, stateStore }: DefragmentationParts,
): Promise<void> {
  const state = await replica.readHere((current) => current);
  if (stateStore === undefined) return;
  const [begunMs, beforeBytes] = [clock.now(), state.backend.sizeBytes()];
  try {
    await stateStore.defragment(state);
  } catch (error) {
    replica.assertRunning();
    logger.warn({ error }, 'the engine could not be defragmented; it goes on as it was');
    throw error;
  }
  const [tookMs, sizeBytes] = [Math.round(clock.now() - begunMs), state.backend.sizeBytes()];
  logger.info({ tookMs, beforeBytes, sizeBytes }, 'the engine is defragmented');
  // Its pages may be fuller now, so that there is space again.
  await space.look();
}

import type { Model } from '../search/model.js';
import { FREE, type Hold, HoldSteps, isHoldOperation } from './hold.js';

/**
 * A lock with a lease: one holder at a time, tokens that grow from holder to holder, guarded writes that land only with
 * the newest token, and a holder that may vanish at any time once its lease may have ended.
 *
 * @param slack - in the unit of the history's times: by how much a lease may end early by the history's clock
 */
export function lock(slack = 0): Model<Hold> {
  const steps = new HoldSteps(slack);
  return {
    name: 'lock',
    initial: FREE,
    isRead: () => false,
    keyOf: keyOfHold,
    partitionOf: (operation) => (isHoldOperation(operation) ? operation.key : undefined),
    step: (hold, operation) => (isHoldOperation(operation) ? steps.step(hold, operation) : undefined),
  };
}

/** Equal for equal holds only. */
export function keyOfHold({ token, isHeld, latestToken, safeUntil, ttl, value, now }: Hold): string {
  return JSON.stringify([isHeld, token ?? '?', latestToken, safeUntil, ttl, value, Number.isFinite(now) ? now : null]);
}

import type { Dice } from '../../../raft/testing/dice.js';

/** Mostly short, so that several things happen in a run; now and then long enough to outlast every timeout. */
export function drawDurationMs(dice: Dice, mostMs = 15_000): number {
  const most = dice.weighted([
    [300, 3],
    [1_500, 4],
    [5_000, 3],
    [15_000, 1],
  ]);
  return dice.between(50, Math.min(most, mostMs));
}

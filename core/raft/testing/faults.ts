import type { MemberId, Message } from '../types.js';
import type { Dice } from './dice.js';

/** How often things go wrong, as probabilities a round; drawn anew for every run, so that no kind hides another. */
export interface Faults {
  readonly loss: number;
  readonly duplicate: number;
  readonly late: number;
  readonly crash: number;
  readonly stuckDisk: number;
  readonly cut: number;
  readonly pause: number;
  /** Whatever befalls others befalls leaders more often. */
  readonly churn: number;
  readonly change: number;
  readonly transfer: number;
  readonly compact: number;
  readonly nonsense: number;
}

export const NO_FAULTS: Faults = {
  loss: 0,
  duplicate: 0,
  late: 0,
  crash: 0,
  stuckDisk: 0,
  cut: 0,
  pause: 0,
  churn: 0,
  change: 0,
  transfer: 0,
  compact: 0,
  nonsense: 0,
};

/** Each kind is absent in half of the runs, and has a rate of its own in the others. */
export function drawFaults(dice: Dice): Faults {
  const sometimes = (probability: number) => (dice.chance(0.5) ? probability * dice.next() : 0);
  return {
    loss: sometimes(0.3),
    duplicate: sometimes(0.3),
    late: sometimes(0.6),
    crash: sometimes(0.02),
    stuckDisk: sometimes(0.03),
    cut: sometimes(0.05),
    pause: sometimes(0.03),
    churn: sometimes(0.2),
    change: sometimes(0.2),
    transfer: sometimes(0.05),
    compact: sometimes(0.2),
    nonsense: sometimes(0.05),
  };
}

/** What a member that nobody knows may say, in this term and others. */
export function strangersSay(to: MemberId, term: number, dice: Dice): readonly Message[] {
  const absurd = dice.between(0, 1) * 2 ** 40;
  const envelope = { from: 999n, to, term };
  return [
    { ...envelope, type: 'appendEntriesAnswer', accepted: true, matchedIndex: absurd },
    { ...envelope, type: 'heartbeatAnswer', readRound: absurd, term: term + 5 },
    { ...envelope, type: 'voteAnswer', granted: true },
    { ...envelope, type: 'timeoutNow' },
    { ...envelope, type: 'readIndexAnswer', context: absurd, index: absurd },
  ];
}

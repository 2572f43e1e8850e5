import type { Dice } from '../../../raft/testing/dice.js';
import { drawDurationMs } from './durations.js';
import type { FaultKinds, Timed } from './fault.js';
import { chooseMember, chooseOne, drawPick, drawVictim, type Victim } from './victim.js';

/** What happens to clocks: they run faster or slower, by this part of 1. */
export type ClockFault =
  | (Timed & {
      readonly kind: 'clock rate of a member';
      readonly victim: Victim;
      readonly error: number;
      readonly forMs: number;
    })
  | (Timed & {
      readonly kind: 'clock rate of a client';
      readonly pick: number;
      readonly error: number;
      readonly forMs: number;
    });

export const CLOCK_FAULTS: FaultKinds<ClockFault> = {
  'clock rate of a member': {
    share: 0.5,
    weight: 1,
    draw: (dice, { clockErrorMax }) => ({
      victim: drawVictim(dice),
      error: drawError(dice, clockErrorMax),
      forMs: 2 * drawDurationMs(dice),
    }),
    async strike({ victim, error, forMs }, { world, last }) {
      const member = chooseMember(world, victim);
      if (member === undefined || error === 0) return false;
      const usual = member.clockRate;
      member.clockRate = 1 + error;
      await last(forMs);
      member.clockRate = usual;
      return true;
    },
  },
  'clock rate of a client': {
    share: 0.5,
    weight: 1,
    draw: (dice, { clockErrorMax }) => ({
      pick: drawPick(dice),
      error: drawError(dice, clockErrorMax),
      forMs: 2 * drawDurationMs(dice),
    }),
    async strike({ pick, error, forMs }, { world, last }) {
      const client = chooseOne(world.clients, pick);
      if (client === undefined || error === 0) return false;
      const usual = client.clockRate;
      client.clockRate = 1 + error;
      await last(forMs);
      client.clockRate = usual;
      return true;
    },
  },
};

/** Never the other zero, which a file does not keep. */
function drawError(dice: Dice, most: number): number {
  return (2 * dice.next() - 1) * most + 0;
}

import { rmSync, writeFileSync } from 'node:fs';
import { between } from '../../../base/prng.js';
import { controlOf } from '../equipment/equipment.js';
import type { Fault, Strike } from './fault.js';

const STEPS_SECONDS = [-3_600, -60, -1, 1, 60, 3_600];
/** Within what a session's margin is for; beyond it no lease can keep its time. */
const RATES = [0.97, 0.99, 1.01, 1.03];

/** What can happen to a member's clocks. */
export const CLOCK_FAULTS: readonly Fault[] = [
  clocks('clock-step', ({ prng }) => String(STEPS_SECONDS[between(prng, 0, STEPS_SECONDS.length - 1)])),
  clocks('clock-rate', ({ prng }) => `0 ${RATES[between(prng, 0, RATES.length - 1)]}`),
];

function clocks(name: string, word: (strike: Strike) => string): Fault {
  return {
    name,
    group: 'surroundings',
    whyNot: ({ wrongClock }) => (typeof wrongClock === 'string' ? wrongClock : undefined),
    async strike(strike) {
      const { wrongClock } = strike.equipment;
      if (typeof wrongClock === 'string') return false;
      const file = controlOf(wrongClock, strike.victim.name);
      writeFileSync(file, word(strike));
      await strike.last();
      rmSync(file, { force: true });
      return true;
    },
  };
}

import { expect, test } from '@jest/globals';
import { runScenario } from './run-scenario.js';
import { SCENARIOS } from './scenarios/all.js';

/** Crashes of each scenario; `npm run crash-points` has all of them. */
const CRASHES = 3;

test.each(SCENARIOS.map((scenario, number) => ({ ...scenario, number })))(
  'a member recovers from a crash: $name',
  async ({ number, ...scenario }) => {
    const { failures, caseCount } = await runScenario(scenario, (operationCount) => {
      const every = Math.max(1, Math.floor(operationCount / CRASHES));
      return { from: number % every, every };
    });
    expect(failures).toEqual([]);
    expect(caseCount).toBeGreaterThan(0);
  },
);

import { expect, test } from '@jest/globals';
import { runScenario } from './run-scenario.js';
import { SCENARIOS } from './scenarios.js';

/** One crash of each scenario, with all that may survive it; `npm run crash-points` has all crashes. */
test.each(SCENARIOS.map((scenario, number) => ({ name: scenario.name, scenario, number })))(
  'a member recovers from a crash: $name',
  async ({ scenario, number }) => {
    // Not the same one everywhere: the first operations of many scenarios are alike.
    const strideFor = (operationCount: number) => ({ from: (7 * number) % operationCount, every: operationCount });
    const { failures, caseCount } = await runScenario(scenario, { strideFor });
    expect(failures).toEqual([]);
    expect(caseCount).toBeGreaterThan(0);
  },
);

test('scenarios are told apart by their names', () => {
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
});

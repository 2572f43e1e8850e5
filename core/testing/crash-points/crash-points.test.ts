import { expect, test } from '@jest/globals';
import { CHOICES } from './choices.js';
import { runScenario } from './run-scenario.js';
import { SCENARIOS } from './scenarios.js';

/** One crash of each scenario, with half of what may survive it; `npm run crash-points` has all crashes, with all of it. */
test.each(SCENARIOS.map((scenario, number) => ({ name: scenario.name, scenario, number })))(
  'a member recovers from a crash: $name',
  async ({ scenario, number }) => {
    // Not the same one everywhere: the first operations of many scenarios are alike.
    const strideFor = (operationCount: number) => ({ from: (7 * number) % operationCount, every: operationCount });
    const choices = CHOICES.filter((_, choice) => choice % 2 === number % 2);
    const { failures, caseCount } = await runScenario(scenario, { strideFor, choices });
    expect(failures).toEqual([]);
    expect(caseCount).toBeGreaterThan(0);
  },
);

test('scenarios are told apart by their names', () => {
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
});

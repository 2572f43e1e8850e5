/**
 * Crashes real members at every operation of their disks, with every choice of what survives:
 *
 * ```
 * crash-points [--scenario TEXT] [--cases N] [--seconds T] [--keep-going]
 * crash-points --scenario NAME --at K [--choice CHOICE]      one of them again
 * ```
 *
 * It ends with 1 after the first that a member does not recover from as it must.
 */
import { parseArgs } from 'node:util';
import { CHOICES } from './choices.js';
import { type Failure, runScenario, type ScenarioResult, type Stride } from './run-scenario.js';
import { SCENARIOS } from './scenarios.js';

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: '' },
    at: { type: 'string' },
    choice: { type: 'string' },
    cases: { type: 'string', default: 'Infinity' },
    seconds: { type: 'string', default: 'Infinity' },
    'keep-going': { type: 'boolean', default: false },
  },
});

const scenarios = SCENARIOS.filter(({ name }) => name.includes(values.scenario));
const choices = CHOICES.filter((choice) => values.choice === undefined || choice === values.choice);
if (scenarios.length === 0 || choices.length === 0) fail('there is no such scenario, or no such choice');
const casesEach = Number(values.cases) / scenarios.length;
const endMs = performance.now() + Number(values.seconds) * 1_000;
process.exit((await runAll()) ? 0 : 1);

async function runAll(): Promise<boolean> {
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    if (performance.now() > endMs) break;
    const result = await runScenario(scenario, { strideFor, choices, keepsGoing: values['keep-going'] });
    results.push(result);
    print(result);
    for (const failure of result.failures) explain(scenario.name, failure);
    if (result.failures.length > 0 && !values['keep-going']) break;
  }
  const sum = (count: (result: ScenarioResult) => number) => results.reduce((all, each) => all + count(each), 0);
  const failed = sum(({ failures }) => failures.length);
  console.log(`${results.length} scenarios, ${sum((each) => each.diskCount)} different disks, ${failed} failed`);
  console.log(`${sum(({ caseCount }) => caseCount)} cases`);
  return failed === 0;
}

/** Spreads the cases that are asked for over a scenario's operations. */
function strideFor(operationCount: number): Stride {
  if (values.at !== undefined) return { from: Number(values.at), every: Number.POSITIVE_INFINITY };
  return { from: 0, every: Math.max(1, Math.ceil((operationCount * choices.length) / casesEach)) };
}

function print({ name, operationCount, caseCount, diskCount, failures }: ScenarioResult): void {
  const counts = [operationCount, caseCount, diskCount].map((count) => String(count).padStart(6)).join('');
  console.log(`${name.padEnd(60)}${counts}  ${failures.length === 0 ? 'ok' : `${failures.length} FAILED`}`);
}

function explain(name: string, { crash, error }: Failure): void {
  const when = crash === undefined ? 'without a crash' : `crash in ${crash.operation} (${crash.choice})`;
  console.log(`violation: ${name}, ${when}: ${reasonsOf(error)}`);
  const which = crash === undefined ? '' : ` --at ${crash.at} --choice '${crash.choice}'`;
  console.log(`again: npm run crash-points -- --scenario '${name}'${which}`);
}

function reasonsOf(error: Error): string {
  const reasons: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) reasons.push(each.message);
  return [...new Set(reasons)].join('; because ');
}

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}

/**
 * `npm run crash-points`: crashes real members at every operation of their disks, with every choice of what survives;
 * `--at` and `--choice` for one case again.
 *
 * Where time is bounded, a few cases of every scenario come before all of any. It ends with 1 after the first that a
 * member does not recover from as it must, or that does not end.
 */
import { programOptions, refuse } from '../program-options.js';
import { CHOICES } from './choices.js';
import { SCENARIOS } from './scenarios.js';
import { type Finding, type ScenarioReport, scenariosOf, type SearchOrder } from './search.js';
import { watchedSearch } from './watched-search.js';

const USAGE = `npm run crash-points -- [--scenario TEXT] [--cases N] [--seconds T] [--keep-going]
npm run crash-points -- --scenario NAME --at K [--choice CHOICE]`;

const values = programOptions(USAGE, {
  scenario: { type: 'string', default: '' },
  at: { type: 'string' },
  choice: { type: 'string' },
  cases: { type: 'string', default: 'Infinity' },
  seconds: { type: 'string', default: 'Infinity' },
  'keep-going': { type: 'boolean', default: false },
});

const order: SearchOrder = {
  scenario: values.scenario,
  at: values.at === undefined ? undefined : Number(values.at),
  choice: CHOICES.find((choice) => choice === values.choice),
  cases: Number(values.cases),
  seconds: Number(values.seconds),
  keepsGoing: values['keep-going'],
};
if (![order.at ?? 0, order.cases, order.seconds].every((number) => number >= 0))
  refuse('--at, --cases and --seconds are numbers');
if (scenariosOf(SCENARIOS, order).length === 0 || order.choice !== values.choice)
  refuse('there is no such scenario, or no such choice');
process.exit((await runAll().catch((error: unknown) => refuse((error as Error).message))) ? 0 : 1);

/** @returns whether nothing is wrong */
async function runAll(): Promise<boolean> {
  const reports: ScenarioReport[] = [];
  const onReport = (report: ScenarioReport) => {
    reports.push(report);
    print(report);
    report.findings.forEach(explain);
  };
  const hanging = await watchedSearch(order, { onReport });
  if (hanging !== undefined) explain(hanging);
  const sum = (count: (report: ScenarioReport) => number) => reports.reduce((all, each) => all + count(each), 0);
  const failed = sum(({ findings }) => findings.length) + (hanging === undefined ? 0 : 1);
  console.log(`${reports.length} scenarios, ${sum((each) => each.diskCount)} different disks, ${failed} failed`);
  console.log(`${sum(({ caseCount }) => caseCount)} cases`);
  return failed === 0;
}

function print({ name, operationCount, caseCount, diskCount, findings }: ScenarioReport): void {
  const counts = [operationCount, caseCount, diskCount].map((count) => String(count).padStart(6)).join('');
  console.log(`${name.padEnd(60)}${counts}  ${findings.length === 0 ? 'ok' : `${findings.length} FAILED`}`);
}

function explain({ place: { name, at, choice }, operation, why }: Finding): void {
  const when = at === undefined ? 'without a crash' : `crash in ${operation ?? `operation ${at}`}`;
  console.log(`violation: ${name}, ${when}${choice === undefined ? '' : ` (${choice})`}: ${why}`);
  const which = at === undefined ? '' : ` --at ${at}${choice === undefined ? '' : ` --choice '${choice}'`}`;
  console.log(`again: npm run crash-points -- --scenario '${name}'${which}`);
}

/**
 * `npm run mutants`: brings back, one after the other, bugs that stores like this one have had, and tells which layer of
 * tests catches each, and after how much. Ends with 1 if one survives, if a mutant or a layer is no good, or if a layer
 * finds fault with the program as it is.
 */
import { writeFileSync } from 'node:fs';
import { programOptions, refuse, wholeNumber } from '../program-options.js';
import { CATALOGUE, mutantNamed } from './catalogue.js';
import type { LayerName } from './layers/layer.js';
import { layerNamed } from './layers/layers.js';
import type { Mutant } from './mutant.js';
import { summaryOf, tableOf } from './table.js';
import { askUnchanged, type Trial, tryMutant } from './trial.js';

const USAGE = `npm run mutants -- [--only NAME]... [--layers sim,raft,...] [--jobs J] [--json FILE] [--skip-unchanged]
npm run mutants -- --list`;

const values = programOptions(USAGE, {
  only: { type: 'string', multiple: true },
  list: { type: 'boolean', default: false },
  layers: { type: 'string' },
  jobs: { type: 'string', default: '1' },
  json: { type: 'string' },
  'skip-unchanged': { type: 'boolean', default: false },
});
const jobs = wholeNumber('jobs', values.jobs, 1);
const wanted = values.layers?.split(',');
const mutants = (values.only === undefined ? CATALOGUE : values.only.map(named)).filter(
  ({ layers }) => wanted === undefined || layers.some(isWanted),
);

const tell = (line: string) => process.stdout.write(`${line}\n`);
if (values.list) for (const { name, rows, what } of mutants) tell(`${name} (${rows.join(', ') || '-'}): ${what}`);
else process.exitCode = (await run()) ? 0 : 1;

function named(name: string): Mutant {
  try {
    return mutantNamed(name);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

async function run(): Promise<boolean> {
  const areGood = values['skip-unchanged'] || (await areLayersGood());
  if (!areGood) return false;
  const trials = await inParallel(mutants, async (mutant) => {
    const trial = await tryMutant(mutant, layersFor(mutant));
    tellOf(trial);
    return trial;
  });
  tell(`\n${tableOf(trials)}\n\n${summaryOf(trials)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(trials, undefined, 2)}\n`);
  const bad = trials.filter(({ caughtBy, errors }) => caughtBy === undefined || errors.length > 0);
  for (const { mutant, errors } of bad) tell(`${mutant.name}: ${errors.join('; ').slice(0, 300) || 'it survived'}`);
  return bad.length === 0;
}

/** A layer that finds fault with what is right proves nothing by finding fault with what is wrong. */
async function areLayersGood(): Promise<boolean> {
  const names = [...new Set(mutants.flatMap(layersFor))];
  for (const name of new Set(mutants.flatMap(({ layers }) => layers)))
    if (!names.includes(name)) tell(`${name} is left out: ${layerNamed(name).missing ?? 'it was not asked for'}`);
  const findings = await inParallel(names, async (name) => {
    const finding = await askUnchanged(name);
    const { verdict, seconds, took } = finding;
    tell(`unchanged: ${name}: ${verdict} after ${took ? `${took.count} ${took.unit}, ` : ''}${seconds.toFixed(1)} s`);
    if (verdict !== 'quiet') tell(`  ${finding.said}`);
    return finding;
  });
  return findings.every(({ verdict }) => verdict === 'quiet');
}

/** Those of a mutant's layers that are there, and were asked for if some were. */
function layersFor({ layers }: Mutant): readonly LayerName[] {
  return layers.filter((name) => isWanted(name) && layerNamed(name).missing === undefined);
}

function isWanted(layer: string): boolean {
  return wanted === undefined || wanted.some((beginning) => layer.startsWith(beginning));
}

function tellOf({ mutant, caughtBy, findings, errors }: Trial): void {
  const last = findings.at(-1);
  const how = caughtBy === undefined ? 'NOT caught' : `caught by ${caughtBy}`;
  const took = last?.took ? `${last.took.count} ${last.took.unit}, ` : '';
  tell(
    `${mutant.name}: ${how} (${took}${last?.seconds.toFixed(1) ?? 0} s): ${(last?.said ?? 'no layer was asked').slice(0, 200)}`,
  );
  for (const error of errors) tell(`  ${error.slice(0, 300)}`);
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next;
      next += 1;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

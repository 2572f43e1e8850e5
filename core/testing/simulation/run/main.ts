/**
 * `npm run sim -- --seeds 100`: whole worlds, one after the other, each from one number. Ends with 1, the seed, what was
 * broken and which faults it takes, when a promise was broken.
 */
import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Fault } from '../faults/fault.js';
import { kindOf } from '../faults/plan.js';
import { parseSimulationArguments, SEED_MOST, type SimulationArguments, UsageError, USAGE } from './arguments.js';
import { Campaign } from './campaign.js';
import { FAILED_SEEDS } from './failed-seeds.js';
import { sentencesLogged } from './expected-paths.js';
import { Progress } from './progress.js';
import { explain, report, summarize } from './report.js';
import { SEED_PROCESS, SeedProcess } from './seed-process.js';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());
try {
  process.exitCode = await simulate(parseSimulationArguments(process.argv.slice(2), () => randomInt(SEED_MOST / 2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n${USAGE}\n`);
  process.exitCode = 2;
}

async function simulate(settings: SimulationArguments): Promise<number> {
  const modulePath = fileURLToPath(new URL('./seed-worker.js', import.meta.url));
  const runners = Array.from({ length: settings.jobs }, () => new SeedProcess({ ...SEED_PROCESS, modulePath }));
  try {
    const result = await new Campaign(settings, {
      runners,
      corpus: FAILED_SEEDS,
      progress: new Progress(process.stdout, () => performance.now()),
      signal: interrupted.signal,
      faults: settings.faultsFile === undefined ? undefined : await readFaults(settings.faultsFile),
    }).run();
    const [first] = result.failures;
    if (settings.seedCount > 1 || first === undefined)
      process.stdout.write(`${report(result, await expectedPaths())}\n`);
    for (const failure of result.failures) process.stdout.write(`\n${explain(failure)}\n`);
    if (settings.jsonFile !== undefined)
      await writeFile(settings.jsonFile, `${JSON.stringify(summarize(result), null, 2)}\n`);
    return first === undefined ? 0 : 1;
  } finally {
    await Promise.all(runners.map((runner) => runner.close()));
  }
}

function expectedPaths(): Promise<ReadonlySet<string>> {
  return sentencesLogged(fileURLToPath(new URL('../../../../', import.meta.url)));
}

/** @throws {@link UsageError} if it holds anything else than a list of faults that are known */
async function readFaults(path: string): Promise<readonly Fault[]> {
  try {
    const faults = JSON.parse(await readFile(path, 'utf8')) as Fault[];
    for (const fault of faults) kindOf(fault);
    return faults;
  } catch (error) {
    throw new UsageError(`${path} is not a list of faults: ${(error as Error).message}`);
  }
}

import { parseArgs } from 'node:util';

/** What `npm run sim` is asked to do. */
export interface SimulationArguments {
  /** How many seeds, from which on; {@link SimulationArguments.minutes} may end it sooner. */
  readonly seedCount: number;
  readonly from: number;
  /** Processes that run seeds side by side. */
  readonly jobs: number;
  /** Wall-clock minutes after which no further seed is begun. */
  readonly minutes: number | undefined;
  /** Run every seed a second time in another process and compare. */
  readonly twice: boolean;
  /** A file with faults, as a failing seed prints them, in place of those drawn. */
  readonly faultsFile: string | undefined;
  /** Where to write the summary. */
  readonly jsonFile: string | undefined;
  /** Also run the seeds that failed once. */
  readonly corpus: boolean;
  /** Runs that may be spent on finding out which faults a failure needs. */
  readonly shrinkRuns: number;
  /** Go on after a seed has failed. */
  readonly keepGoing: boolean;
}

/** How the program is called. */
export const USAGE = `npm run sim -- [--seeds N] [--from S] [--jobs J] [--minutes M | --seconds T] [--fresh | --commit HASH] [--twice] [--json FILE]
               [--no-corpus] [--shrink-runs N] [--keep-going]
npm run sim -- --seed S [--faults FILE]`;

const DEFAULT_SEEDS = 100;
const SHRINK_RUNS = 150;
/** Seeds are whole numbers up to this. */
export const SEED_MOST = 2 ** 31;

/** An argument that makes no sense; the message says what would. */
export class UsageError extends Error {}

/**
 * @param freshSeed - draws a seed where nobody has been
 * @throws {@link UsageError}
 */
export function parseSimulationArguments(given: readonly string[], freshSeed: () => number): SimulationArguments {
  const { values } = parse(given);
  const single = values.seed === undefined ? undefined : natural('seed', values.seed, SEED_MOST);
  const minutes = minutesOf(values);
  if (values.faults !== undefined && single === undefined) throw new UsageError('--faults goes with --seed');
  return {
    seedCount: single !== undefined ? 1 : seedCountOf(values.seeds, minutes),
    from: single ?? firstSeed(values, freshSeed),
    jobs: natural('jobs', values.jobs ?? '1', 64, 1),
    minutes,
    twice: values.twice ?? false,
    faultsFile: values.faults,
    jsonFile: values.json,
    corpus: single === undefined && values['no-corpus'] !== true,
    shrinkRuns: natural('shrink-runs', values['shrink-runs'] ?? `${SHRINK_RUNS}`, 10_000),
    keepGoing: values['keep-going'] ?? false,
  };
}

function parse(given: readonly string[]) {
  const options = {
    seeds: { type: 'string' },
    from: { type: 'string' },
    jobs: { type: 'string' },
    seed: { type: 'string' },
    faults: { type: 'string' },
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    fresh: { type: 'boolean' },
    commit: { type: 'string' },
    twice: { type: 'boolean' },
    json: { type: 'string' },
    'no-corpus': { type: 'boolean' },
    'shrink-runs': { type: 'string' },
    'keep-going': { type: 'boolean' },
  } as const;
  try {
    return parseArgs({ args: [...given], options });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function minutesOf({
  minutes,
  seconds,
}: {
  readonly minutes?: string | undefined;
  readonly seconds?: string | undefined;
}) {
  if (minutes === undefined && seconds === undefined) return undefined;
  const given = minutes === undefined ? Number(seconds) / 60 : Number(minutes);
  if (given > 0) return given;
  throw new UsageError(`--minutes or --seconds ${minutes ?? seconds} is not above 0`);
}

/** With a time and no number, as many as there is time for. */
function seedCountOf(seeds: string | undefined, minutes: number | undefined): number {
  if (seeds === undefined && minutes !== undefined) return SEED_MOST;
  return natural('seeds', seeds ?? `${DEFAULT_SEEDS}`, SEED_MOST, 1);
}

/** New ground with every commit, or with every call. */
function firstSeed(
  values: {
    readonly from?: string | undefined;
    readonly fresh?: boolean | undefined;
    readonly commit?: string | undefined;
  },
  freshSeed: () => number,
): number {
  if (values.commit !== undefined) {
    if (!/^[0-9a-f]{7,40}$/.test(values.commit))
      throw new UsageError(`--commit ${values.commit} is not a commit's hash`);
    return Number.parseInt(values.commit.slice(0, 7), 16) * 4;
  }
  if (values.fresh === true) return freshSeed();
  return natural('from', values.from ?? '1', SEED_MOST);
}

function natural(name: string, value: string, most: number, least = 0): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new UsageError(`--${name} ${value} is not a whole number from ${least} to ${most}`);
}

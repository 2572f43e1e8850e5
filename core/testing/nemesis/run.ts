import { seededPrng } from '../../base/prng.js';
import type { MemberProgram } from '../cluster/member-program.js';
import { ProcessCluster } from '../cluster/process-cluster.js';
import type { Judgement } from '../cluster/workload/judge.js';
import { Workload } from '../cluster/workload/workload.js';
import { untilWritten } from './drills/load.js';
import { Equipment } from './equipment/equipment.js';
import { faultsHere } from './faults/all-faults.js';
import { disturb, type Tally } from './schedule.js';

/** After the last fault the cluster has so long to take a write again. */
const RECOVERY_MS = 20_000;
const TOLD_EVERY_MS = 10_000;
/** A time without an answered write that is worth a line. */
const GAP_MS = 2_000;
const LOOK_MS = 100;
/** Below it a run says too little about what happens under load. */
const RATE_LEAST = 100;
const FAULTS_TOLD = 12;

/** One run: a cluster of its own, from its first revision to a verdict. */
export interface RunOptions {
  readonly forMs: number;
  /** Decides which faults, on whom and for how long, and what clients do; not how the machine schedules it all. */
  readonly seed: number;
  readonly size: number;
  readonly clients: number;
  readonly program: MemberProgram;
  /** Answered operations in a second below which the run is void. Default: 100. */
  readonly rateLeast?: number;
  /** Only these faults. Default: all that can be had. */
  readonly only?: readonly string[];
  readonly tell: (line: string) => void;
  /** Ends it sooner, in good order. */
  readonly signal: AbortSignal;
}

/** What came of a run. */
export interface RunResult {
  readonly seed: number;
  /** Empty if every promise was kept and everything could be judged. */
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  readonly strikes: Readonly<Record<string, number>>;
  /** Faults that could not be had here, with the reasons. */
  readonly left: Readonly<Record<string, string>>;
}

/** All workloads on a cluster to which two things at a time happen; then it is healed, and every promise is checked. */
export async function runNemesis(options: RunOptions): Promise<RunResult> {
  const { seed, size, program, tell } = options;
  const equipment = Equipment.for(program);
  try {
    const cluster = await ProcessCluster.start({
      program,
      size,
      withLinks: true,
      // With every second seed members that were away are brought back by snapshots.
      flags: seed % 2 === 0 ? program.shortLog : [],
      envOf: (name) => equipment.envOf(name),
      dataDirOf: (name, folder) => equipment.dataDirOf(name, folder),
    });
    try {
      return await runOn(cluster, { ...options, equipment });
    } finally {
      await Promise.all(cluster.members.map((member) => member.kill()));
      equipment.unmount();
      await cluster.stop();
    }
  } catch (error) {
    tell(`seed ${seed}: the cluster did not come about`);
    throw error;
  } finally {
    await equipment.remove();
  }
}

async function runOn(cluster: ProcessCluster, options: RunOptions & { equipment: Equipment }): Promise<RunResult> {
  const { seed, clients, equipment, program, tell } = options;
  const startedMs = performance.now();
  const told: string[] = [];
  const say = (what: string) => tell(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${what}`);
  const { faults, left } = faultsHere(options.only, { program, equipment });
  const workload = await Workload.start(cluster, seed, { clients });
  const telling = setInterval(() => say(workload.summary), TOLD_EVERY_MS);
  const looking = tellGaps(workload, say);
  const over = overAfter(options, workload);
  let tally: Tally = new Map();
  const result = (
    violations: readonly string[],
    more: Omit<Judgement, 'findings'> | undefined = undefined,
  ): RunResult => ({
    seed,
    violations,
    figures: { ...workload.figures, ...more },
    strikes: Object.fromEntries(tally),
    left: Object.fromEntries(left),
  });
  try {
    tally = await disturb(cluster, {
      prng: seededPrng(seed),
      signal: over.signal,
      faults,
      equipment,
      tell(what) {
        told.push(what);
        if (told.length > FAULTS_TOLD) told.shift();
        say(what);
      },
    });
    await cluster.untilServing(cluster.members, RECOVERY_MS);
    await untilWritten(workload, RECOVERY_MS);
    const { findings: _, ...judged } = await workload.finish();
    const rate = workload.progress.ratePerSecond;
    const { rateLeast = RATE_LEAST } = options;
    const whyVoid = `the run is void: ${Math.round(rate)} operations a second, of at least ${rateLeast}`;
    return result(rate < rateLeast ? [whyVoid] : [], judged);
  } catch (error) {
    await workload.abandon();
    const explained = cluster.explain(error);
    return result([`seed ${seed}, after ${told.join('; ')}:\n${explained.message}`]);
  } finally {
    clearInterval(telling);
    clearInterval(looking);
    over.clear();
  }
}

function overAfter({ forMs, signal }: RunOptions, { verdict }: Workload): { signal: AbortSignal; clear: () => void } {
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, forMs);
  for (const one of [verdict.signal, signal]) one.addEventListener('abort', end);
  if (signal.aborted) end();
  return { signal: over.signal, clear: () => clearTimeout(timer) };
}

/** Tells of each long time without an answered write, when it has ended. */
function tellGaps({ progress }: Workload, say: (what: string) => void): NodeJS.Timeout {
  let before = 0;
  return setInterval(() => {
    const { gapMs } = progress;
    if (gapMs < before && before >= GAP_MS) say(`nothing was written for ${Math.round(before)} ms`);
    before = gapMs;
  }, LOOK_MS);
}

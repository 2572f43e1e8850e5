import { seededPrng } from '../../../base/prng.js';
import { disturb } from '../disturber.js';
import { type MemberProgram, programUnderTest } from '../member-program.js';
import { ProcessCluster } from '../process-cluster.js';
import { rest } from '../workload/surroundings.js';
import { Workload } from '../workload/workload.js';

/** After the last fault the cluster has so long to take a write again. */
const RECOVERY_MS = 15_000;
const TOLD_EVERY_MS = 10_000;
/** A time without an acknowledged write that is worth a line. */
const GAP_MS = 2_000;
const LOOK_MS = 100;

/** How to try a cluster's patience. */
export interface PatienceOptions {
  readonly forMs: number;
  /** Decides which faults, on whom and for how long, and what the workloads do; not how the machine schedules it all. */
  readonly seed: number;
  readonly size?: number;
  readonly program?: MemberProgram;
  readonly tell: (line: string) => void;
  /** Ends it sooner, in good order. */
  readonly signal?: AbortSignal;
}

/**
 * All workloads on a cluster to which one thing after another happens, and every promise checked.
 *
 * @returns what was done, in one line
 * @throws with every violation, the seed, the faults and the members' logs
 */
export async function tryPatience(options: PatienceOptions): Promise<string> {
  const { forMs, seed, size = 3, program = programUnderTest(), tell } = options;
  const startedMs = performance.now();
  const faults: string[] = [];
  const say = (what: string) => tell(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${what}`);
  // With every second seed members that were away are brought back by snapshots.
  const flags = seed % 2 === 0 ? program.shortLog : [];
  const cluster = await ProcessCluster.start({ program, size, withLinks: true, flags });
  const workload = await Workload.start(cluster, seed);
  const telling = setInterval(() => say(workload.summary), TOLD_EVERY_MS);
  const looking = tellGaps(workload, say);
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, forMs);
  workload.verdict.signal.addEventListener('abort', end);
  options.signal?.addEventListener('abort', end);
  try {
    await disturb(cluster, {
      prng: seededPrng(seed),
      signal: over.signal,
      tell(what) {
        faults.push(what);
        if (faults.length > 10) faults.shift();
        say(what);
      },
    });
    await cluster.untilServing(cluster.members, RECOVERY_MS);
    await untilWritten(workload);
    await workload.finish();
    return `${workload.summary}; longest time without an acknowledged write ${Math.round(workload.ledger.longestGapMs)} ms`;
  } catch (error) {
    await workload.abandon();
    const told = cluster.explain(error);
    throw new Error(`seed ${seed}, after ${faults.join('; ')}:\n${told.message}`, { cause: error });
  } finally {
    clearInterval(telling);
    clearInterval(looking);
    clearTimeout(timer);
    await cluster.stop();
  }
}

async function untilWritten({ ledger, verdict }: Workload): Promise<void> {
  const { acknowledgedCount } = ledger;
  const deadlineMs = performance.now() + RECOVERY_MS;
  while (verdict.isClean && ledger.acknowledgedCount === acknowledgedCount) {
    if (performance.now() > deadlineMs) throw new Error(`${RECOVERY_MS} ms after the last fault nothing is written`);
    await rest(20, verdict.signal);
  }
}

/** Tells of each long time without an acknowledged write, when it has ended. */
function tellGaps({ ledger }: Workload, say: (what: string) => void): NodeJS.Timeout {
  let before = 0;
  return setInterval(() => {
    const { gapMs } = ledger;
    if (gapMs < before && before >= GAP_MS) say(`nothing was acknowledged for ${Math.round(before)} ms`);
    before = gapMs;
  }, LOOK_MS);
}

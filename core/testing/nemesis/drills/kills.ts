import { between, seededPrng } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { rest } from '../../cluster/workload/surroundings.js';
import { Workload } from '../../cluster/workload/workload.js';
import { type Drill, type DrillOptions, type DrillResult, quantiles } from './drill.js';
import { untilWritten } from './load.js';

const CLIENTS = 8;
/** Short enough that a kill often falls into what the one before it left to do. */
const CALM_MS_MOST = 300;
const ALL_ODDS = 0.25;
/** What is kept until it is judged is bounded by judging so often, with a new cluster each time. */
const ROUNDS_A_CLUSTER = 250;

/** `kill -9` under load, of one member, of some, or of all at once: nothing acknowledged is lost. */
export const kills: Drill = { name: 'kills', rounds: 1_000, run };

async function run(options: DrillOptions): Promise<DrillResult> {
  const tally = { killed: 0, allAtOnce: 0, operations: 0, replayed: 0, unknownOutcomes: 0 };
  const backMs: number[] = [];
  for (let done = 0; done < options.rounds && !options.signal.aborted; done += ROUNDS_A_CLUSTER) {
    const rounds = Math.min(ROUNDS_A_CLUSTER, options.rounds - done);
    await runOnOne({ ...options, seed: options.seed + done, rounds }, tally, backMs);
    options.tell(`${done + rounds} rounds: ${JSON.stringify(tally)}`);
  }
  return { violations: [], figures: { ...tally, ...quantiles('backMs', backMs) } };
}

async function runOnOne(
  { seed, rounds, size, program, signal }: DrillOptions,
  tally: Record<'killed' | 'allAtOnce' | 'operations' | 'replayed' | 'unknownOutcomes', number>,
  backMs: number[],
): Promise<void> {
  const prng = seededPrng(seed);
  const cluster = await ProcessCluster.start({ program, size });
  const workload = await Workload.start(cluster, seed, { clients: CLIENTS }).catch(async (error: unknown) => {
    await cluster.stop();
    throw error;
  });
  try {
    for (let round = 0; round < rounds && workload.verdict.isClean && !signal.aborted; round += 1) {
      await rest(between(prng, 0, CALM_MS_MOST), signal);
      const victims = draw(cluster, prng.next(), between(prng, 0, size - 1));
      const killedMs = performance.now();
      await Promise.all(victims.map((member) => cluster.kill(member)));
      tally.killed += victims.length;
      if (victims.length === size) tally.allAtOnce += 1;
      await Promise.all(victims.map((member) => cluster.start(member)));
      await untilWritten(workload);
      backMs.push(performance.now() - killedMs);
    }
    await cluster.untilServing();
    const { replayedCount } = await workload.finish();
    tally.operations += workload.progress.answeredCount;
    tally.unknownOutcomes += workload.progress.unknownCount;
    tally.replayed += replayedCount;
  } catch (error) {
    await workload.abandon();
    throw new Error(`--seed ${seed}: ${cluster.explain(error).message}`, { cause: error });
  } finally {
    await cluster.stop();
  }
}

/** One member in its turn, or all. */
function draw(cluster: ProcessCluster, chance: number, nth: number): readonly MemberProcess[] {
  return chance < ALL_ODDS ? cluster.members : [cluster.members[nth] as MemberProcess];
}

import { between, seededPrng } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { rest } from '../../cluster/workload/surroundings.js';
import { type Drill, type DrillOptions, type DrillResult, quantiles } from './drill.js';
import { Probe } from './probe.js';

const ELECTION_TIMEOUT_MS = 1_000;
const FLAGS = ['--heartbeat-interval', '100', '--election-timeout', `${ELECTION_TIMEOUT_MS}`];
const REST_MS_LEAST = 100;
const REST_MS_MOST = 600;
/** In election timeouts. */
const P50_MOST = 1.5;
const P99_MOST = 2.5;

/** The leader is killed; its peers' connections break, so they know at once. */
export const leaderKills: Drill = {
  name: 'leader-kills',
  rounds: 200,
  run: (options) => resumeAfter(options, (cluster, leader) => void cluster.kill(leader)),
};

/** The leader is stopped; its connections stay, so only its silence tells. */
export const leaderStops: Drill = {
  name: 'leader-stops',
  rounds: 200,
  run: (options) => resumeAfter(options, (_, leader) => leader.pause()),
};

type Away = (cluster: ProcessCluster, leader: MemberProcess) => void;

/** How long it takes until a write is acknowledged that was begun after the leader was gone. */
async function resumeAfter(options: DrillOptions, takeAway: Away): Promise<DrillResult> {
  const { rounds, seed, size, program, signal } = options;
  const prng = seededPrng(seed);
  const cluster = await ProcessCluster.start({ program, size, flags: FLAGS });
  const resumedMs: number[] = [];
  try {
    const probe = await Probe.start(cluster.url);
    for (let round = 0; round < rounds && !signal.aborted; round += 1) {
      const leader = await cluster.leader();
      probe.forget();
      const goneMs = performance.now();
      takeAway(cluster, leader);
      resumedMs.push(await probe.resumed(goneMs));
      await cluster.kill(leader);
      await cluster.start(leader);
      await cluster.untilServing();
      await rest(between(prng, REST_MS_LEAST, REST_MS_MOST), signal);
    }
    await probe.stop();
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await cluster.stop();
  }
  const figures = {
    electionTimeoutMs: ELECTION_TIMEOUT_MS,
    leadersGone: resumedMs.length,
    ...quantiles('resumedMs', resumedMs),
  };
  return { violations: beyond(figures), figures };
}

function beyond(figures: Record<string, number>): string[] {
  const limits = [
    ['resumedMsP50', P50_MOST],
    ['resumedMsP99', P99_MOST],
  ] as const;
  return limits.flatMap(([what, timeouts]) => {
    const most = timeouts * ELECTION_TIMEOUT_MS;
    const ms = figures[what] ?? Infinity;
    return ms <= most ? [] : [`${what} is ${ms}, and shall be at most ${most}: ${timeouts} election timeouts`];
  });
}

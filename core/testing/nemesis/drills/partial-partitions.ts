import type { MemberProcess } from '../../cluster/member-process.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { rest } from '../../cluster/workload/surroundings.js';
import type { Drill, DrillOptions, DrillResult } from './drill.js';
import { Probe } from './probe.js';

const ELECTION_TIMEOUT_MS = 500;
const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', `${ELECTION_TIMEOUT_MS}`];
const SETTLED_MS = 2.5 * ELECTION_TIMEOUT_MS;
const MEASURED_MS = 2_000;
const LOOK_MS = 25;
const CALM_MS = 4 * ELECTION_TIMEOUT_MS;
const REQUEST_TIMEOUT_MS = 4 * ELECTION_TIMEOUT_MS;
const CHANGES_MOST = 1;
const SHARE_LEAST = 0.99;

type Link = readonly [from: MemberProcess, to: MemberProcess];

/** Which links are cut, given who leads. */
interface Topology {
  readonly name: string;
  readonly size: number;
  readonly links: (leader: MemberProcess, others: readonly MemberProcess[]) => readonly Link[];
}

const TOPOLOGIES: readonly Topology[] = [
  // Cloudflare, November 2020: one follower cannot see the leader, the other sees both.
  { name: 'cloudflare', size: 3, links: (leader, [one]) => [[leader, one as MemberProcess]] },
  // Howard and Abraham 2020: the fourth sees the fifth alone, so that it can never be elected, and calls elections for ever.
  {
    name: 'howard',
    size: 5,
    links: (leader, [second, third, fourth]) =>
      [leader, second, third].map((one) => [one as MemberProcess, fourth as MemberProcess] as const),
  },
  // As of etcd#8129: one follower alone is fully connected, and only it can lead. The leader keeps but its link to it.
  {
    name: 'hub',
    size: 5,
    links: (leader, [, ...rest]) => pairs([leader, ...rest]),
  },
];

const DIRECTIONS = ['both', 'there', 'back'] as const;
type Way = (typeof DIRECTIONS)[number];

/** A round is each of the topologies, cut in both directions and in either: at most one change of leader, then writes go on. */
export const partialPartitions: Drill = { name: 'partial-partitions', rounds: 10, run };

/** What came of one topology, cut one way. */
interface Tally {
  cases: number;
  leaderChanges: number;
  acknowledged: number;
  failed: number;
}

async function run({ rounds, program, signal, tell }: DrillOptions): Promise<DrillResult> {
  const violations: string[] = [];
  const whole: Tally = { cases: 0, leaderChanges: 0, acknowledged: 0, failed: 0 };
  for (const topology of TOPOLOGIES) {
    const cluster = await ProcessCluster.start({ program, size: topology.size, withLinks: true, flags: FLAGS });
    try {
      for (const way of DIRECTIONS) {
        const tally: Tally = { cases: 0, leaderChanges: 0, acknowledged: 0, failed: 0 };
        for (let round = 0; round < rounds && !signal.aborted; round += 1) {
          violations.push(...(await tryOnce(cluster, topology, way, tally)));
        }
        const what = `${topology.name}, ${way}`;
        tell(`${what}: ${JSON.stringify(tally)}`);
        const { acknowledged, failed } = tally;
        if (acknowledged < SHARE_LEAST * (acknowledged + failed)) {
          violations.push(`${what}: of ${acknowledged + failed} writes ${failed} failed`);
        }
        for (const field of Object.keys(whole) as (keyof Tally)[]) whole[field] += tally[field];
      }
    } catch (error) {
      throw cluster.explain(error);
    } finally {
      await cluster.stop();
    }
  }
  return { violations, figures: { ...whole } };
}

async function tryOnce(cluster: ProcessCluster, topology: Topology, way: Way, tally: Tally): Promise<string[]> {
  await cluster.untilServing();
  const leader = await cluster.leader();
  const probe = await Probe.start(cluster.url, REQUEST_TIMEOUT_MS);
  const leaders = new LeaderLog(cluster);
  try {
    await probe.resumed(performance.now());
    await leaders.begin();
    for (const [from, to] of topology.links(leader, cluster.others(leader))) {
      if (way !== 'back') cluster.cutOneWay(from, to);
      if (way !== 'there') cluster.cutOneWay(to, from);
    }
    const settledMs = performance.now() + SETTLED_MS;
    await leaders.watch(SETTLED_MS + MEASURED_MS);
    const { acknowledged, failed } = probe.between(settledMs, settledMs + MEASURED_MS);
    tally.cases += 1;
    tally.leaderChanges += leaders.changes;
    tally.acknowledged += acknowledged;
    tally.failed += failed;
    const violations: string[] = [];
    const what = `${topology.name}, ${way}`;
    if (leaders.changes > CHANGES_MOST) violations.push(`${what}: the leader changed ${leaders.changes} times`);
    if (acknowledged === 0) violations.push(`${what}: nothing was written`);
    return violations;
  } finally {
    cluster.heal();
    await probe.stop();
    await rest(CALM_MS, new AbortController().signal);
  }
}

/** Who claims to lead, and in which term. */
class LeaderLog {
  readonly #cluster: ProcessCluster;
  readonly #terms = new Set<number>();

  constructor(cluster: ProcessCluster) {
    this.#cluster = cluster;
  }

  /** Leaders after the first. */
  get changes(): number {
    return Math.max(0, this.#terms.size - 1);
  }

  async begin(): Promise<void> {
    await this.#look();
  }

  async watch(forMs: number): Promise<void> {
    const untilMs = performance.now() + forMs;
    while (performance.now() < untilMs) {
      await this.#look();
      await rest(LOOK_MS, new AbortController().signal);
    }
  }

  async #look(): Promise<void> {
    const all = await Promise.all(this.#cluster.members.map((member) => this.#cluster.statusOf(member)));
    for (const status of all) if (status && status.leader === status.memberId) this.#terms.add(status.term);
  }
}

function pairs(members: readonly MemberProcess[]): Link[] {
  return members.flatMap((one, at) => members.slice(at + 1).map((other): Link => [one, other]));
}

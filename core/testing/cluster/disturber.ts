import { between, type Prng } from '../../base/prng.js';
import type { MemberProcess } from './member-process.js';
import type { ProcessCluster } from './process-cluster.js';
import { rest } from './workload/surroundings.js';

const FAULT_MS_LEAST = 300;
const FAULT_MS_MOST = 3_000;
const CALM_MS_MOST = 2_000;
const SLOW_MS_MOST = 150;

/** Something that can happen to a cluster. What it breaks is whole again when the promise has resolved. */
type Fault = (surroundings: FaultSurroundings) => Promise<void>;

interface FaultSurroundings {
  readonly cluster: ProcessCluster;
  /** On whom it falls: the leader in every second case, if there is one. */
  readonly victim: MemberProcess;
  readonly other: MemberProcess;
  readonly prng: Prng;
  /** Lets the fault last for a while. */
  readonly last: () => Promise<void>;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  async kills({ cluster, victim, last }) {
    await cluster.kill(victim);
    await last();
    await cluster.start(victim);
  },
  async 'kills and restarts at once'({ cluster, victim }) {
    await cluster.kill(victim);
    await cluster.start(victim);
  },
  async ends({ cluster, victim, last }) {
    await cluster.end(victim);
    await last();
    await cluster.start(victim);
  },
  async stops({ victim, last }) {
    victim.pause();
    await last();
    victim.resume();
  },
  async 'cuts off'({ cluster, victim, last }) {
    cluster.isolate(victim);
    await last();
    cluster.heal();
  },
  async 'cuts off what is sent by'({ cluster, victim, last }) {
    for (const other of cluster.others(victim)) cluster.cutOneWay(victim, other);
    await last();
    cluster.heal();
  },
  async 'cuts off what is sent to'({ cluster, victim, last }) {
    for (const other of cluster.others(victim)) cluster.cutOneWay(other, victim);
    await last();
    cluster.heal();
  },
  async 'cuts one link of'({ cluster, victim, other, last }) {
    cluster.cut(victim, other);
    await last();
    cluster.heal();
  },
  async 'breaks one link of'({ cluster, victim, other, last }) {
    cluster.refuse(victim, other);
    await last();
    cluster.heal();
  },
  async slows({ cluster, victim, prng, last }) {
    const delayMs = between(prng, 5, SLOW_MS_MOST);
    for (const other of cluster.others(victim)) cluster.slow(victim, other, delayMs);
    await last();
    cluster.heal();
  },
  async 'kills everybody with'({ cluster, last }) {
    await Promise.all(cluster.members.map((member) => cluster.kill(member)));
    await last();
    await Promise.all(cluster.members.map((member) => cluster.start(member)));
  },
  async 'kills two, and with them'({ cluster, victim, other, last }) {
    await Promise.all([victim, other].map((member) => cluster.kill(member)));
    await last();
    await Promise.all([victim, other].map((member) => cluster.start(member)));
  },
};

/** The names of all faults, as the log tells them. */
export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);

/** How to disturb. */
export interface DisturberOptions {
  readonly prng: Prng;
  readonly signal: AbortSignal;
  /** Told what happens to whom. */
  readonly tell: (what: string) => void;
  /** Only these of {@link FAULT_NAMES}. Default: all. */
  readonly faults?: readonly string[];
  /** The longest a fault lasts, in milliseconds. Default: 3,000. */
  readonly faultMsMost?: number;
}

/** Lets one thing after another happen to a cluster, until the signal aborts; then everything is whole again. */
export async function disturb(cluster: ProcessCluster, options: DisturberOptions): Promise<void> {
  const { prng, signal, tell, faults = FAULT_NAMES, faultMsMost = FAULT_MS_MOST } = options;
  const isLittle = () => prng.next() < 0.5;
  while (!signal.aborted) {
    const name = faults[between(prng, 0, faults.length - 1)] as string;
    const forMs = between(prng, Math.min(FAULT_MS_LEAST, faultMsMost), faultMsMost);
    const calmMs = isLittle() ? between(prng, 0, 200) : between(prng, 200, CALM_MS_MOST);
    const victim = await choose(cluster, prng);
    const others = cluster.others(victim);
    const other = others[between(prng, 0, others.length - 1)] as MemberProcess;
    tell(`${name} ${victim.name} (${other.name}) for ${forMs} ms`);
    await FAULTS[name]?.({ cluster, victim, other, prng, last: () => rest(forMs, signal) });
    await rest(calmMs, signal);
  }
}

/** Draws the same numbers whether or not there is a leader, so that a seed goes the same way as far as it can. */
async function choose(cluster: ProcessCluster, prng: Prng): Promise<MemberProcess> {
  const anyone = cluster.members[between(prng, 0, cluster.members.length - 1)] as MemberProcess;
  if (prng.next() < 0.5) return anyone;
  return cluster.leader(1_000).catch(() => anyone);
}

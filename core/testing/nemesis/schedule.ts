import type { Clock } from '../../base/clock.js';
import { between, type Prng, seededPrng } from '../../base/prng.js';
import { systemClock } from '../../base/system-clock.js';
import type { MemberProcess } from '../cluster/member-process.js';
import type { ProcessCluster } from '../cluster/process-cluster.js';
import { rest } from '../cluster/workload/surroundings.js';
import type { Equipment } from './equipment/equipment.js';
import type { Fault, Strike } from './faults/fault.js';

const EVERY_MS_LEAST = 1_000;
const EVERY_MS_MOST = 5_000;
const FAULT_MS_LEAST = 300;
const FAULT_MS_MOST = 3_000;
/** Every so often there is peace for a moment, so that what lies behind an outage is reached, too. */
const ALONE_ODDS = 0.15;

/** How to disturb. */
export interface ScheduleOptions {
  readonly prng: Prng;
  readonly signal: AbortSignal;
  readonly faults: readonly Fault[];
  readonly equipment: Equipment;
  /** By which pauses are measured. Default: the machine's. */
  readonly clock?: Clock;
  /** Told what happens to whom. */
  readonly tell: (what: string) => void;
}

/** How often each fault struck. */
export type Tally = Map<string, number>;

/**
 * Lets two things at a time happen to a cluster, one to its processes and one to their surroundings, every one to five seconds,
 * until the signal aborts; then everything is whole again, and every member runs.
 */
export async function disturb(cluster: ProcessCluster, options: ScheduleOptions): Promise<Tally> {
  const { prng, signal, faults, clock = systemClock } = options;
  const tally: Tally = new Map();
  while (!signal.aborted) {
    const beginMs = clock.now();
    const everyMs = between(prng, EVERY_MS_LEAST, EVERY_MS_MOST);
    const pair = drawPair(faults, prng);
    await Promise.all(pair.map((fault) => strikeWith(fault, { cluster, options, tally })));
    await rest(everyMs - (clock.now() - beginMs), signal, clock);
  }
  await makeWhole(cluster);
  return tally;
}

/** One of each group; one alone where it must be alone, or by chance. */
function drawPair(faults: readonly Fault[], prng: Prng): Fault[] {
  const first = faults[between(prng, 0, faults.length - 1)] as Fault;
  const isAlone = prng.next() < ALONE_ODDS;
  const partners = faults.filter(({ group, isAlone }) => group !== first.group && isAlone !== true);
  const partner = partners[between(prng, 0, Math.max(0, partners.length - 1))];
  return isAlone || first.isAlone || !partner ? [first] : [first, partner];
}

async function strikeWith(
  fault: Fault,
  { cluster, options, tally }: { cluster: ProcessCluster; options: ScheduleOptions; tally: Tally },
): Promise<void> {
  const { signal, equipment, tell, clock } = options;
  // Two strike side by side: each has chance of its own, so that neither changes what the other does.
  const prng = seededPrng(Math.floor(options.prng.next() * 2 ** 32));
  const forMs = between(prng, FAULT_MS_LEAST, FAULT_MS_MOST);
  const chosen = await choose(cluster, prng);
  if (signal.aborted) return;
  tell(`${fault.name}: ${chosen.victim.name} (${chosen.other.name}) for ${forMs} ms`);
  const strike: Strike = { cluster, ...chosen, prng, equipment, tell, last: () => rest(forMs, signal, clock) };
  const hadEffect = await fault.strike(strike);
  if (hadEffect !== false) tally.set(fault.name, (tally.get(fault.name) ?? 0) + 1);
}

/** Draws the same numbers whether or not there is a leader, so that a seed goes the same way as far as it can. */
async function choose(cluster: ProcessCluster, prng: Prng): Promise<Pick<Strike, 'victim' | 'other'>> {
  const { members } = cluster;
  const anyone = members[between(prng, 0, members.length - 1)] as MemberProcess;
  const [isLeader, nth] = [prng.next() < 0.5, between(prng, 0, Math.max(0, members.length - 2))];
  const victim = isLeader ? await cluster.leader(500).catch(() => anyone) : anyone;
  return { victim, other: cluster.others(victim)[nth] ?? victim };
}

async function makeWhole(cluster: ProcessCluster): Promise<void> {
  cluster.heal();
  for (const member of cluster.members) {
    member.resume();
    await cluster.start(member);
  }
}

import { rmSync, writeFileSync } from 'node:fs';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { rest } from '../../cluster/workload/surroundings.js';
import { Equipment } from '../equipment/equipment.js';
import { syncFile } from '../faults/disk-faults.js';
import { type Drill, type DrillOptions, type DrillResult, quantiles } from './drill.js';
import { Probe } from './probe.js';

const ELECTION_TIMEOUT_MS = 500;
const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', `${ELECTION_TIMEOUT_MS}`];
/** A leader whose disk does not answer for two election timeouts gives up; then there is an election. */
const RESUMED_MS_MOST = (2 + 2.5) * ELECTION_TIMEOUT_MS;
const REST_MS = 500;

/** The leader's disk hangs: it must not go on leading. Writes resume with another leader, while the disk still hangs. */
export const hungDisk: Drill = { name: 'hung-disk', rounds: 100, run };

async function run(options: DrillOptions): Promise<DrillResult> {
  const equipment = Equipment.for(options.program);
  try {
    const { failingSync } = equipment;
    if (typeof failingSync === 'string') return { violations: [], figures: {}, skipped: failingSync };
    return await runWith(equipment, options);
  } finally {
    await equipment.remove();
  }
}

async function runWith(equipment: Equipment, { rounds, size, program, signal }: DrillOptions): Promise<DrillResult> {
  const envOf = (name: string) => equipment.envOf(name);
  const cluster = await ProcessCluster.start({ program, size, flags: FLAGS, envOf });
  const resumedMs: number[] = [];
  let endedCount = 0;
  try {
    const probe = await Probe.start(cluster.url);
    for (let round = 0; round < rounds && !signal.aborted; round += 1) {
      const leader = await cluster.leader();
      const file = syncFile(equipment, leader);
      probe.forget();
      const hungMs = performance.now();
      writeFileSync(file, 'hang');
      // A write that was synced just before may still be answered; one begun after that has another leader.
      resumedMs.push(await resumedElsewhere(cluster, probe, { hungMs, id: leader.name }));
      rmSync(file, { force: true });
      if (!leader.isRunning) endedCount += 1;
      await cluster.start(leader);
      await cluster.untilServing();
      await rest(REST_MS, signal);
    }
    await probe.stop();
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await cluster.stop();
  }
  const late = resumedMs.filter((ms) => ms > RESUMED_MS_MOST).length;
  return {
    violations: late === 0 ? [] : [`${late} times writes took longer than ${RESUMED_MS_MOST} ms to resume`],
    figures: {
      electionTimeoutMs: ELECTION_TIMEOUT_MS,
      hung: resumedMs.length,
      endedThemselves: endedCount,
      late,
      ...quantiles('resumedMs', resumedMs),
    },
  };
}

/**
 * Until a write is acknowledged that was begun when another member led. Where the leader's disk hangs, its followers' do
 * not, so the leader could go on: what is asked is that it does not.
 */
async function resumedElsewhere(
  cluster: ProcessCluster,
  probe: Probe,
  { hungMs, id }: { readonly hungMs: number; readonly id: string },
): Promise<number> {
  const others = cluster.members.filter(({ name }) => name !== id);
  const isLedByOther = async () => {
    const all = await Promise.all(others.map((member) => cluster.statusOf(member)));
    return all.some((status) => status !== undefined && status.leader === status.memberId);
  };
  await cluster.until('another member leads', isLedByOther, 30_000);
  const ledMs = performance.now();
  return (await probe.resumed(ledMs)) + (ledMs - hungMs);
}

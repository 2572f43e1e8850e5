import { renameSync } from 'node:fs';
import { between, seededPrng } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import { CONCLAVE } from '../../cluster/member-program.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import type { Drill, DrillOptions, DrillResult } from './drill.js';
import { Probe } from './probe.js';

const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', '500'];
const ENDS_MS = 20_000;
const SAYS = /wiped|incarnation|replace/i;

/**
 * A member loses its disk and is started again under its name: it must be refused, and say so, for it would vote twice. The
 * others go on. Then it has its own data again, and is taken back.
 */
export const wiped: Drill = { name: 'wiped', rounds: 50, run };

async function run({ rounds, seed, size, program, signal }: DrillOptions): Promise<DrillResult> {
  if (program !== CONCLAVE)
    return { violations: [], figures: {}, skipped: `${program.name} takes back who lost its disk` };
  const prng = seededPrng(seed);
  const cluster = await ProcessCluster.start({ program, size, flags: FLAGS });
  const violations: string[] = [];
  let refused = 0;
  try {
    const probe = await Probe.start(cluster.url);
    for (let round = 0; round < rounds && !signal.aborted; round += 1) {
      const victim = cluster.members[between(prng, 0, size - 1)] as MemberProcess;
      await probe.resumed(performance.now());
      const found = await wipeAndStart(cluster, victim);
      if (found === undefined) refused += 1;
      else violations.push(`round ${round}: ${found}`);
      await probe.resumed(performance.now());
      await takeBack(cluster, victim);
    }
    await probe.stop();
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await cluster.stop();
  }
  return { violations, figures: { wiped: refused + violations.length, refused } };
}

/** @returns what was wrong with how it ended */
async function wipeAndStart(cluster: ProcessCluster, victim: MemberProcess): Promise<string | undefined> {
  await cluster.kill(victim);
  renameSync(victim.dataDir, `${victim.dataDir}.kept`);
  const before = victim.log.length;
  await cluster.start(victim);
  const patience = setTimeout(() => void victim.kill(), ENDS_MS);
  const { code, signal } = await victim.ended;
  clearTimeout(patience);
  if (code === null) return `${victim.name} without its disk did not end by itself within ${ENDS_MS} ms (${signal})`;
  return SAYS.test(victim.log.slice(before)) ? undefined : `${victim.name} ended with ${code}, and did not say why`;
}

async function takeBack(cluster: ProcessCluster, victim: MemberProcess): Promise<void> {
  await victim.wipe();
  renameSync(`${victim.dataDir}.kept`, victim.dataDir);
  await cluster.start(victim);
  await cluster.untilServing();
}

import type { DiskOperation } from '../../simulation/disk/virtual-disk.js';
import { Record } from '../record.js';
import type { Crash, Rehearsable } from '../rehearsal.js';
import { turns } from '../turns.js';
import { mustHold, Violation } from '../violation.js';
import { Cluster, VICTIM } from './cluster.js';
import { crashAgain, recover } from './recovery.js';
import type { ClusterScenario } from './scenario.js';

/** What was already under way when the power was cut may still be answered, wrongly; and is waited for so long. */
const LAST_TURNS = 200;

/** A member of a cluster that crashes in what a scenario lets the cluster do. */
export function inACluster(scenario: ClusterScenario): Rehearsable {
  return {
    name: scenario.name,
    async rehearse() {
      const record = new Record();
      const cluster = new Cluster(scenario.settings, record);
      await scenario.before(cluster);
      const before = cluster.operationCount;
      await scenario.act(cluster);
      return {
        operationCount: cluster.operationCount - before,
        crashAt: (at) => crashAt(scenario, record, at),
      };
    },
  };
}

async function crashAt(scenario: ClusterScenario, record: Record, at: number): Promise<Crash> {
  const cluster = new Cluster(scenario.settings);
  await scenario.before(cluster);
  const operation = await actUntil(scenario, cluster, cluster.operationCount + at);
  const { promises, peers, told } = cluster;
  const known = { scenario, record, promises, peers, told };
  return {
    disk: cluster.victim.disk,
    operation,
    async recover(disk) {
      const spare = disk.afterKill();
      const operationCount = await recover(disk, known);
      const left = await crashAgain(spare, known, at % operationCount);
      await recover(left.afterPowerCut(at % 2 === 0 ? 'nothing' : 'last torn'), known);
    },
    async rejoin(disk) {
      if (scenario.staysMember === false) return;
      cluster.victim.disk = disk;
      await rejoin(cluster, scenario);
    },
  };
}

/** @returns the operation in which the victim's power was cut */
async function actUntil(scenario: ClusterScenario, cluster: Cluster, number: number): Promise<DiskOperation> {
  let operation: DiskOperation | undefined;
  cluster.cutAt = (each) => {
    if (each.number === number) operation = each;
    return each.number === number;
  };
  let failure: unknown;
  let hasEnded = false;
  void scenario.act(cluster).then(
    () => (hasEnded = true),
    (error: unknown) => {
      failure = error;
      hasEnded = true;
    },
  );
  while (!hasEnded && !cluster.isCut) await turns(1);
  cluster.over();
  for (let turn = 0; !hasEnded && turn < LAST_TURNS; turn += 1) await turns(1);
  if (operation === undefined) throw new Violation(`operation ${number} is not reached: ${String(failure)}`);
  return operation;
}

/** The victim starts among the others, catches up, and takes writes. */
async function rejoin(cluster: Cluster, { restart = {} }: ClusterScenario): Promise<void> {
  cluster.resume();
  const gone = cluster.nodes.filter(({ isAlive, hasBegun, name }) => !isAlive && (hasBegun || name === VICTIM));
  const starts = gone.map((node) => node.start(cluster.peers, node.name === VICTIM ? restart : {}));
  await cluster.done('the start among the others', Promise.all(starts));
  await cluster.agreed();
  await cluster.checkWritten(VICTIM);
  await cluster.put(VICTIM, 'recovered', 'once');
  await cluster.agreed();
  const hashes = await Promise.all(
    cluster.nodes.filter(({ running }) => running).map(({ member }) => cluster.done('a hash', member.hashKv(0))),
  );
  mustHold(new Set(hashes.map(({ hash }) => hash)).size === 1, () => 'the members hold different keys');
}

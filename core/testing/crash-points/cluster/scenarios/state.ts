import type { StartOptions } from '../../../../server/start-member.js';
import { ENGINE_FOLDER, LETS_GO } from '../../member/scenarios/engine.js';
import type { Cluster } from '../cluster.js';
import { DATA_DIR } from '../node.js';
import type { ClusterScenario } from '../scenario.js';
import { following, leading } from './replication.js';

/** Writes so much that the log of who leads does not go back any more to before it. */
export async function writeMuch(cluster: Cluster, name: string): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await cluster.putAll(name, 5, 300);
    await cluster.flush();
  }
}

async function missMuch(cluster: Cluster): Promise<void> {
  await following(cluster);
  cluster.isolate('a');
  await writeMuch(cluster, 'b');
}

/** So little fits into memory that a follower whose engine stands still soon has to wait with what it applies or frees. */
const WAITS_FOR_THE_ENGINE: StartOptions = { ...LETS_GO, overlayBytesMax: 1_000, scrubRecordsPerStep: 1 };

/** A snapshot comes to the victim while it is at work on its state, and waits for its engine with that. */
async function snapshotInto(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const letGo = cluster.victim.holdSyncs(ENGINE_FOLDER);
  await work();
  cluster.isolate('a');
  await writeMuch(cluster, 'b');
  cluster.network.heal();
  const incoming = `${DATA_DIR}/db.incoming`;
  await cluster.until('a snapshot that is received', () => cluster.victim.disk.files(incoming).length > 0);
  await cluster.flush();
  letGo();
  await cluster.agreed();
  await cluster.put('a', 'k', 'with it');
}

/** Snapshots, compaction, leases, and what the logs let go of. */
export const STATE: readonly ClusterScenario[] = [
  {
    name: 'a follower is sent a snapshot',
    settings: LETS_GO,
    before: missMuch,
    async act(cluster) {
      cluster.network.heal();
      await cluster.agreed();
      await cluster.put('a', 'k', 'with it');
    },
  },
  {
    name: 'a follower is sent a snapshot, and soon another',
    settings: LETS_GO,
    before: missMuch,
    async act(cluster) {
      cluster.network.heal();
      await cluster.agreed();
      cluster.isolate('a');
      await writeMuch(cluster, 'b');
      cluster.network.heal();
      await cluster.agreed();
    },
  },
  {
    name: 'a follower is sent a snapshot of a later term',
    settings: LETS_GO,
    async before(cluster) {
      await following(cluster);
      cluster.victim.kill();
      await cluster.leadBy('c');
      await cluster.leadBy('b');
      await writeMuch(cluster, 'b');
    },
    async act(cluster) {
      await cluster.start('a');
      await cluster.agreed();
      await cluster.leadBy('a');
      await cluster.put('a', 'k', 'led');
    },
  },
  {
    name: 'a follower starts, and is sent a snapshot',
    settings: LETS_GO,
    async before(cluster) {
      await following(cluster);
      cluster.victim.kill();
      await writeMuch(cluster, 'b');
    },
    async act(cluster) {
      await cluster.start('a');
      await cluster.agreed();
      await cluster.putAll('a', 3);
      await cluster.flush();
    },
  },
  {
    name: 'a snapshot breaks off, and comes again',
    settings: LETS_GO,
    before: missMuch,
    async act(cluster) {
      let breaks = 2;
      cluster.network.chunkFate = (_, to, chunk) =>
        to === cluster.victim.id && chunk > 0 && (breaks -= 1) >= 0 ? 'break' : 'deliver';
      cluster.network.heal();
      await cluster.agreed();
    },
  },
  {
    name: 'a follower is sent a snapshot while entries wait for its engine',
    settings: WAITS_FOR_THE_ENGINE,
    before: following,
    act: (cluster) =>
      snapshotInto(cluster, async () => {
        await cluster.putAll('b', 10, 300);
        await cluster.flush();
      }),
  },
  {
    name: 'a follower is sent a snapshot while it frees what was compacted',
    settings: WAITS_FOR_THE_ENGINE,
    async before(cluster) {
      await following(cluster);
      await cluster.putAll('b', 30);
      await cluster.agreed();
      await cluster.flush();
    },
    act: (cluster) =>
      snapshotInto(cluster, async () => {
        await cluster.done('compaction', cluster.node('b').store.compact(cluster.node('b').member.revision));
        await cluster.flush();
      }),
  },
  {
    name: 'a leader sends a snapshot',
    settings: LETS_GO,
    async before(cluster) {
      await leading(cluster);
      cluster.isolate('c');
      await writeMuch(cluster, 'a');
    },
    async act(cluster) {
      cluster.network.heal();
      await cluster.agreed();
      await cluster.putAll('a', 3);
    },
  },
  {
    name: 'a follower’s log lets go',
    settings: LETS_GO,
    before: following,
    async act(cluster) {
      await writeMuch(cluster, 'b');
      await cluster.agreed();
    },
  },
  {
    name: 'a leader’s lease runs out',
    async before(cluster) {
      await leading(cluster);
      await cluster.done('a grant', cluster.node('a').store.grantLease('2s', { id: 7n }));
      await cluster.done('a write', cluster.node('a').store.put('leased', 'x', { lease: 7n }));
    },
    async act(cluster) {
      const untilMs = cluster.clock.now() + 5_000;
      await cluster.until('the end of the lease', () => cluster.clock.now() >= untilMs);
      await cluster.agreed();
    },
  },
  {
    name: 'a cluster is compacted',
    before: following,
    async act(cluster) {
      await cluster.putAll('b', 6);
      await cluster.done('compaction', cluster.node('b').store.compact(6));
      await cluster.flush();
      await cluster.put('b', 'k', 'after');
      await cluster.agreed();
    },
  },
];

import type { StartOptions } from '../../../../server/start-member.js';
import type { Cluster } from '../cluster.js';
import type { ClusterScenario } from '../scenario.js';
import { following, leading } from './replication.js';

/** The logs keep so little that who was away for a few entries needs a snapshot. */
const LETS_GO: StartOptions = { logKeptEntries: 4 };

/** Writes so much that the log of who leads does not go back any more to before it. */
async function writeMuch(cluster: Cluster, name: string): Promise<void> {
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

import type { Cluster } from '../cluster.js';
import type { ClusterScenario } from '../scenario.js';

/** A cluster of three that the victim follows in. */
export async function following(cluster: Cluster): Promise<void> {
  for (const name of ['a', 'b', 'c']) cluster.node(name);
  await cluster.start('a', 'b', 'c');
  await cluster.leadBy('b');
  await cluster.putAll('b', 2);
  await cluster.agreed();
}

/** A cluster of three that the victim leads. */
export async function leading(cluster: Cluster): Promise<void> {
  for (const name of ['a', 'b', 'c']) cluster.node(name);
  await cluster.start('a', 'b', 'c');
  await cluster.leadBy('a');
  await cluster.putAll('a', 2);
  await cluster.agreed();
}

async function manyAtOnce(cluster: Cluster, name: string): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    const puts = Array.from({ length: 8 }, (_, i) => cluster.begin(name, `m${i}`, `${round}`.repeat(60)));
    await cluster.done('writes', Promise.all(puts));
  }
}

/** Entries and votes. */
export const REPLICATION: readonly ClusterScenario[] = [
  {
    name: 'the first start of a member of three',
    async before(cluster) {
      for (const name of ['a', 'b', 'c']) cluster.node(name);
    },
    async act(cluster) {
      await cluster.start('a', 'b', 'c');
      await cluster.put('a', 'k', '1');
    },
  },
  {
    name: 'a follower takes entries',
    before: following,
    async act(cluster) {
      await cluster.putAll('b', 3);
      await cluster.agreed();
    },
  },
  {
    name: 'a follower takes many entries at once, over segments',
    before: following,
    async act(cluster) {
      await manyAtOnce(cluster, 'b');
      await cluster.agreed();
    },
  },
  {
    name: 'a leader writes',
    before: leading,
    act: (cluster) => cluster.putAll('a', 4),
  },
  {
    name: 'a leader writes many at once, and one follower is away',
    async before(cluster) {
      await leading(cluster);
      cluster.isolate('c');
    },
    act: (cluster) => manyAtOnce(cluster, 'a'),
  },
  {
    name: 'a leader is lost, and the others elect',
    before: following,
    async act(cluster) {
      cluster.node('b').kill();
      await cluster.led();
      await cluster.put('a', 'k', 'of another');
    },
  },
  {
    name: 'a member is handed leadership',
    before: following,
    async act(cluster) {
      await cluster.leadBy('a');
      await cluster.put('a', 'k', 'led');
    },
  },
  {
    name: 'a leader hands leadership over',
    before: leading,
    async act(cluster) {
      await cluster.leadBy('c');
      await cluster.put('a', 'k', 'followed');
    },
  },
  {
    name: 'entries that a lost leader had alone are overwritten',
    before: leading,
    async act(cluster) {
      cluster.isolate('a');
      for (let i = 0; i < 3; i += 1) cluster.begin('a', `lost${i}`, 'x').catch(() => undefined);
      await cluster.until('another leader', () => cluster.node('b').leads || cluster.node('c').leads);
      await cluster.put('b', 'k', 'of another');
      await cluster.put('c', 'k', 'of another still');
      cluster.network.heal();
      await cluster.agreed();
      await cluster.put('a', 'k', 'again');
    },
  },
  {
    name: 'a follower ends, and catches up',
    before: following,
    async act(cluster) {
      cluster.victim.kill();
      await cluster.putAll('b', 3, 300);
      await cluster.start('a');
      await cluster.agreed();
    },
  },
  {
    name: 'a leader ends in good order, and comes back',
    before: leading,
    async act(cluster) {
      await cluster.stop('a');
      await cluster.put('b', 'k', 'without it');
      await cluster.start('a');
      await cluster.agreed();
    },
  },
];

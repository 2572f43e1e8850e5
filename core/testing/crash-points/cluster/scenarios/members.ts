import type { Cluster } from '../cluster.js';
import type { ClusterScenario } from '../scenario.js';
import { following, leading } from './replication.js';

const JOINING = { initialState: 'existing' } as const;

/** Adds a member through another, and starts it. */
async function add(cluster: Cluster, through: string, name: string, replaces?: string): Promise<void> {
  const { url } = cluster.node(name);
  const options = {
    peerUrls: [url],
    isLearner: true,
    ...(replaces !== undefined && { replaces: cluster.node(replaces).id }),
  };
  await cluster.done('a member is added', cluster.node(through).member.memberAdd(options));
  await cluster.join(name);
}

/** A learner is promoted by itself once it has caught up. */
function promoted(cluster: Cluster, name: string): Promise<void> {
  return cluster.until('a vote', () => cluster.node(name).running?.member.isLearner === false);
}

/** Who belongs to the cluster changes. */
export const MEMBERS: readonly ClusterScenario[] = [
  {
    name: 'a leader adds a member',
    before: leading,
    async act(cluster) {
      await add(cluster, 'a', 'd');
      await promoted(cluster, 'd');
      await cluster.agreed();
    },
  },
  {
    name: 'a follower sees a member added',
    before: following,
    async act(cluster) {
      await add(cluster, 'b', 'd');
      await promoted(cluster, 'd');
      await cluster.agreed();
    },
  },
  {
    name: 'a leader removes a member',
    before: leading,
    async act(cluster) {
      await cluster.done('a member is removed', cluster.node('a').member.memberRemove(cluster.node('c').id));
      cluster.forget('c');
      await cluster.put('a', 'k', 'of two');
      await cluster.agreed();
    },
  },
  {
    name: 'a follower is removed',
    staysMember: false,
    before: following,
    async act(cluster) {
      await cluster.done('a member is removed', cluster.node('b').member.memberRemove(cluster.victim.id));
      await cluster.until('its end', () => cluster.victim.hasStopped);
      await cluster.put('b', 'k', 'of two');
    },
  },
  {
    name: 'a leader removes itself',
    staysMember: false,
    before: leading,
    async act(cluster) {
      await cluster.done('a member is removed', cluster.node('a').member.memberRemove(cluster.victim.id));
      await cluster.until('its end', () => cluster.victim.hasStopped);
    },
  },
  {
    name: 'a lost member is replaced',
    before: leading,
    async act(cluster) {
      cluster.node('c').kill();
      await add(cluster, 'a', 'd', 'c');
      await promoted(cluster, 'd');
      cluster.forget('c');
      await cluster.agreed();
    },
  },
  {
    name: 'a member joins',
    async before(cluster) {
      for (const name of ['b', 'c']) cluster.node(name);
      await cluster.start('b', 'c');
      await cluster.putAll('b', 4);
      await cluster.done(
        'a member is added',
        cluster.node('b').member.memberAdd({ peerUrls: [cluster.victim.url], isLearner: true }),
      );
    },
    async act(cluster) {
      await cluster.join('a');
      await promoted(cluster, 'a');
      await cluster.put('a', 'k', 'joined');
      await cluster.agreed();
    },
    restart: JOINING,
  },
  {
    name: 'a member joins by a snapshot',
    settings: { logKeptEntries: 4 },
    async before(cluster) {
      for (const name of ['b', 'c']) cluster.node(name);
      await cluster.start('b', 'c');
      for (let round = 0; round < 4; round += 1) {
        await cluster.putAll('b', 5, 300);
        await cluster.flush();
      }
      await cluster.done(
        'a member is added',
        cluster.node('b').member.memberAdd({ peerUrls: [cluster.victim.url], isLearner: true }),
      );
    },
    async act(cluster) {
      await cluster.join('a');
      await promoted(cluster, 'a');
      await cluster.agreed();
    },
    restart: JOINING,
  },
  {
    name: 'a second member joins a cluster of one',
    async before(cluster) {
      cluster.node('a');
      await cluster.start('a');
      await cluster.putAll('a', 3);
    },
    async act(cluster) {
      await add(cluster, 'a', 'b');
      await promoted(cluster, 'b');
      await cluster.put('b', 'k', 'of two');
      await cluster.agreed();
    },
  },
];

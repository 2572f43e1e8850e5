import type { StartOptions } from '../../../../server/start-member.js';
import { LETS_GO } from '../../member/scenarios/engine.js';
import { type Cluster, VICTIM } from '../cluster.js';
import type { ClusterScenario } from '../scenario.js';
import { following, leading } from './replication.js';
import { writeMuch } from './state.js';

/** A learner is promoted by itself once it has caught up. */
function promoted(cluster: Cluster, name: string): Promise<void> {
  return cluster.until('a vote', () => cluster.node(name).running?.member.isLearner === false);
}

/** Tells the cluster, through a member, of one that is to come. */
async function add(cluster: Cluster, through: string, name: string, replaces?: string): Promise<void> {
  const { url } = cluster.node(name);
  const options = {
    peerUrls: [url],
    isLearner: true,
    ...(replaces !== undefined && { replaces: cluster.node(replaces).id }),
  };
  await cluster.done('a member is added', cluster.node(through).member.memberAdd(options));
}

interface Addition {
  readonly name: string;
  readonly before: (cluster: Cluster) => Promise<void>;
  readonly through: string;
  readonly added: string;
  /** Who is lost, and whose place the new member takes. */
  readonly replaces?: string;
}

/** The victim sees a member added, which gets a vote. */
function addition({ name, before, through, added, replaces }: Addition): ClusterScenario {
  return {
    name,
    before,
    async act(cluster) {
      if (replaces !== undefined) cluster.node(replaces).kill();
      await add(cluster, through, added, replaces);
      await cluster.join(added);
      await promoted(cluster, added);
      if (replaces !== undefined) cluster.forget(replaces);
      await cluster.put(added, 'k', 'with it');
      await cluster.agreed();
    },
  };
}

interface Joining {
  readonly name: string;
  readonly settings?: StartOptions;
  /** Writes what the victim finds. */
  readonly write: (cluster: Cluster) => Promise<void>;
}

/** The victim comes to two others, and gets a vote. */
function joining({ name, settings = {}, write }: Joining): ClusterScenario {
  return {
    name,
    settings,
    async before(cluster) {
      for (const other of ['b', 'c']) cluster.node(other);
      await cluster.start('b', 'c');
      await write(cluster);
      await add(cluster, 'b', VICTIM);
    },
    async act(cluster) {
      await cluster.join(VICTIM);
      await promoted(cluster, VICTIM);
      await cluster.put(VICTIM, 'k', 'joined');
      await cluster.agreed();
    },
    restart: { initialState: 'existing' },
  };
}

interface Removal {
  readonly name: string;
  readonly before: (cluster: Cluster) => Promise<void>;
  readonly through: string;
  readonly removed: string;
  /** Who writes afterwards. */
  readonly writer: string;
}

/** A member of three is removed: the victim, or another that the victim sees go. */
function removal({ name, before, through, removed, writer }: Removal): ClusterScenario {
  const staysMember = removed !== VICTIM;
  return {
    name,
    staysMember,
    before,
    async act(cluster) {
      const { member } = cluster.node(through);
      await cluster.done('a member is removed', member.memberRemove(cluster.node(removed).id));
      if (staysMember) cluster.forget(removed);
      else await cluster.until('its end', () => cluster.victim.hasStopped);
      await cluster.put(writer, 'k', 'of two');
      if (staysMember) await cluster.agreed();
    },
  };
}

/** A cluster that the victim makes up by itself. */
async function ofOne(cluster: Cluster): Promise<void> {
  cluster.node(VICTIM);
  await cluster.start(VICTIM);
  await cluster.putAll(VICTIM, 3);
}

/** Who belongs to the cluster changes. */
export const MEMBERS: readonly ClusterScenario[] = [
  ...[
    { name: 'a leader adds a member', before: leading, through: 'a', added: 'd' },
    { name: 'a follower sees a member added', before: following, through: 'b', added: 'd' },
    { name: 'a lost member is replaced', before: leading, through: 'a', added: 'd', replaces: 'c' },
    { name: 'a second member joins a cluster of one', before: ofOne, through: 'a', added: 'b' },
  ].map(addition),
  ...[
    { name: 'a leader removes a member', before: leading, through: 'a', removed: 'c', writer: 'a' },
    { name: 'a follower is removed', before: following, through: 'b', removed: VICTIM, writer: 'b' },
    { name: 'a leader removes itself', before: leading, through: 'a', removed: VICTIM, writer: 'b' },
  ].map(removal),
  joining({ name: 'a member joins', write: (cluster) => cluster.putAll('b', 4) }),
  joining({ name: 'a member joins by a snapshot', settings: LETS_GO, write: (cluster) => writeMuch(cluster, 'b') }),
];

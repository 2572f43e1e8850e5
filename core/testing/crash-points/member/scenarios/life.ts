import { dirname } from 'node:path/posix';
import { saveSnapshot } from '../../../../server/restore.js';
import type { StartOptions } from '../../../../server/start-member.js';
import { Cluster, VICTIM } from '../../cluster/cluster.js';
import { following, leading } from '../../cluster/scenarios/replication.js';
import type { Scenario } from '../scenario.js';
import { DATA_DIR, type Stage } from '../stage.js';
import { FLUSH_MS } from './compaction.js';
import { LETS_GO } from './engine.js';
import { putAll } from './writes.js';

async function written(stage: Stage): Promise<void> {
  await stage.start();
  await putAll(stage, 8, 200);
}

async function restarted(stage: Stage, options: StartOptions = {}): Promise<void> {
  await stage.close();
  await stage.start(options);
}

const OF_ONE: StartOptions = { name: 'one', peers: { one: 'http://10.0.0.1:2380' } };
const BACKUP = '/backups/one';

/** Saves a backup of what the member has. */
async function backUp(stage: Stage): Promise<void> {
  await stage.disk.makeDirectory(dirname(BACKUP));
  await stage.disk.syncDirectory('/');
  await saveSnapshot(stage.running.member.snapshot().chunks(), BACKUP, stage);
}

/** Somebody who is asked to restore a backup does so until it is done, and starts the member then. */
async function restoredAndStarted(stage: Stage): Promise<void> {
  const { disk } = stage;
  if (!(await disk.exists(`${DATA_DIR}/FORMAT`))) {
    await disk.removeTree(DATA_DIR);
    await stage.restore(BACKUP);
  }
  await stage.start();
}

/** A backup on an otherwise empty disk. */
async function backUpAlone(stage: Stage): Promise<void> {
  await written(stage);
  await stage.answer(stage.store.grantLease('60s', { id: 7n }));
  await stage.put('a', 'leased', { lease: 7n });
  await backUp(stage);
  await stage.close();
  await stage.disk.removeTree(DATA_DIR);
  await stage.disk.syncDirectory('/');
  stage.forget();
}

/** What is left of a cluster of three is to go on. */
const LEFT_ALONE: StartOptions = {
  name: VICTIM,
  peers: { a: 'http://10.0.0.1:2380', b: 'http://10.0.0.2:2380', c: 'http://10.0.0.3:2380' },
  forceNewCluster: true,
};

/** The disk of a member of three, of whom the others are lost. */
async function leftAlone(stage: Stage, of: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = new Cluster(stage.settings);
  await of(cluster);
  cluster.victim.kill();
  stage.adopt(cluster.victim.disk);
}

/** Starts, ends, changes of who the member is, backups. */
export const LIFE: readonly Scenario[] = [
  {
    name: 'an orderly end',
    before: written,
    act: (stage) => stage.close(),
  },
  {
    name: 'a start after an orderly end',
    async before(stage) {
      await written(stage);
      await stage.close();
    },
    async act(stage) {
      await stage.start();
      await stage.put('a', 'again');
    },
  },
  {
    name: 'a start after a sudden end',
    async before(stage) {
      await written(stage);
      await stage.clock.advance(FLUSH_MS);
      await putAll(stage, 3);
      stage.kill();
    },
    async act(stage) {
      await stage.start();
      await stage.put('a', 'again');
    },
  },
  {
    name: 'three lives',
    before: written,
    async act(stage) {
      for (let life = 0; life < 3; life += 1) {
        await stage.put('life', `${life}`);
        stage.kill();
        await stage.start();
      }
    },
  },
  {
    name: 'a sudden end in the middle of writes',
    before: written,
    async act(stage) {
      const puts = Array.from({ length: 4 }, (_, i) => stage.put(`k${i}`, 'in flight').catch(() => undefined));
      await Promise.race(puts);
      stage.kill();
      await stage.start();
      await putAll(stage, 2);
    },
  },
  {
    name: 'another name and address',
    before: written,
    async act(stage) {
      await restarted(stage, { name: 'renamed', advertiseClients: ['http://10.0.0.9:2379'] });
      await stage.put('a', 'again');
    },
    restart: (stage) => stage.start({ name: 'renamed', advertiseClients: ['http://10.0.0.9:2379'] }),
  },
  {
    name: 'the first start of a cluster of one',
    async act(stage) {
      await stage.start(OF_ONE);
      await stage.put('a', '1');
    },
    restart: (stage) => stage.start(OF_ONE),
  },
  {
    name: 'a member that was alone listens for others',
    before: written,
    async act(stage) {
      await restarted(stage, { listenPeers: 'http://10.0.0.1:2380' });
      await stage.put('a', 'again');
    },
    restart: (stage) => stage.start({ listenPeers: 'http://10.0.0.1:2380' }),
  },
  {
    name: 'a learner is added that never comes',
    before: (stage) => stage.start(OF_ONE),
    async act(stage) {
      const { member } = stage.running;
      const added = await stage.answer(member.memberAdd({ peerUrls: ['http://10.0.0.2:2380'], isLearner: true }));
      await stage.put('a', '1');
      await stage.answer(member.memberRemove(added.member.id));
      await stage.put('a', '2');
    },
    restart: (stage) => stage.start(OF_ONE),
  },
  {
    name: 'a member that cannot be promoted is removed',
    before: (stage) => stage.start(OF_ONE),
    async act(stage) {
      const { member } = stage.running;
      const added = await stage.answer(member.memberAdd({ peerUrls: ['http://10.0.0.2:2380'], isLearner: false }));
      await stage.answer(member.memberPromote(added.member.id).catch(() => undefined));
      await stage.answer(member.memberUpdate(added.member.id, ['http://10.0.0.3:2380']));
      await stage.answer(member.memberRemove(added.member.id));
    },
    restart: (stage) => stage.start(OF_ONE),
  },
  {
    name: 'what is left of a cluster goes on alone',
    before: (stage) => leftAlone(stage, following),
    async act(stage) {
      await stage.start(LEFT_ALONE);
      await stage.put('a', 'alone');
    },
    restart: (stage) => stage.start(LEFT_ALONE),
  },
  {
    name: 'a leader with entries that nobody else had goes on alone',
    before: (stage) =>
      leftAlone(stage, async (cluster) => {
        await leading(cluster);
        cluster.isolate(VICTIM);
        for (let i = 0; i < 3; i += 1) cluster.begin(VICTIM, `lost${i}`, 'x').catch(() => undefined);
        await cluster.flush();
      }),
    async act(stage) {
      await stage.start(LEFT_ALONE);
      await stage.put('a', 'alone');
      await stage.clock.advance(FLUSH_MS);
    },
    restart: (stage) => stage.start(LEFT_ALONE),
  },
  {
    name: 'a backup is saved while writes go on',
    before: written,
    async act(stage) {
      await Promise.all([backUp(stage), putAll(stage, 4)]);
    },
  },
  {
    name: 'a backup is restored',
    before: backUpAlone,
    async act(stage) {
      await stage.restore(BACKUP);
      await stage.start();
      await stage.put('a', 'again');
    },
    restart: restoredAndStarted,
  },
  {
    name: 'a restored member writes, and its log lets go',
    settings: LETS_GO,
    async before(stage) {
      await backUpAlone(stage);
      await stage.restore(BACKUP);
    },
    async act(stage) {
      await stage.start();
      for (let round = 0; round < 3; round += 1) {
        await putAll(stage, 6, 300);
        await stage.clock.advance(FLUSH_MS);
      }
    },
  },
];

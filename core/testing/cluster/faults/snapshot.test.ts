/** A member that was away for too long for the log: a snapshot brings it back, whatever breaks while it comes. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { between, seededPrng } from '../../../base/prng.js';
import { withCluster } from '../process-cluster.js';
import { CONCLAVE, programUnderTest } from '../member-program.js';
import { membersAgree, withStore, writesGoOn } from './trials.js';

const SEED = Number(process.env['SNAPSHOT_SEED'] ?? process.pid);
const VALUE = new Uint8Array(50_000).fill(7);
const PUTS = 300;
const INTERRUPTIONS = 4;
const INTERRUPTED_AFTER_MS_MOST = 900;

(programUnderTest() === CONCLAVE ? test : test.skip)(
  'a member that comes back by a snapshot is killed and cut off meanwhile, and has all of it in the end',
  async () => {
    const prng = seededPrng(SEED);
    const flags = [...CONCLAVE.shortLog, '--heartbeat-interval', '50', '--election-timeout', '500'];
    await withCluster({ withLinks: true, flags }, async (cluster) => {
      const member = await cluster.follower();
      const others = cluster.others(member);
      await cluster.kill(member);
      await withStore(others, async (store) => {
        for (let n = 0; n < PUTS; n += 20) {
          await Promise.all(Array.from({ length: 20 }, (_, at) => store.put(`large/${n + at}`, VALUE)));
        }
      });

      for (let interruption = 0; interruption < INTERRUPTIONS; interruption += 1) {
        await cluster.start(member);
        await delay(between(prng, 0, INTERRUPTED_AFTER_MS_MOST));
        if (interruption % 2 === 0) await cluster.kill(member);
        else {
          for (const other of others) cluster.refuse(member, other);
          await delay(100);
          cluster.heal();
        }
      }
      await cluster.start(member);
      expect(await writesGoOn(others)).toBeLessThan(2_000);
      await membersAgree(cluster, cluster.members, 40_000).catch((error: Error) => {
        throw new Error(`SNAPSHOT_SEED=${SEED}: ${error.message}`, { cause: error });
      });

      expect(member.log).toContain('the snapshot is in force');
    });
  },
  90_000,
);

/**
 * All members are killed at one moment, under load, again and again: nothing that was acknowledged is lost, nothing that was
 * refused is there, and all members answer the same. `KILL_ROUNDS=50` for more rounds.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { between, seededPrng } from '../../../base/prng.js';
import { withCluster } from '../process-cluster.js';
import { Workload } from '../workload/workload.js';
import { writesGoOn } from './trials.js';

const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 3);
const SEED = Number(process.env['KILL_SEED'] ?? process.pid);
const ROUND_MS = 15_000;

test(
  `${ROUNDS} times all three are killed at once under load, and nothing acknowledged is lost`,
  async () => {
    const prng = seededPrng(SEED);
    await withCluster({}, async (cluster) => {
      const workload = await Workload.start(cluster, SEED, { writers: 12 });
      try {
        for (let round = 0; round < ROUNDS && workload.verdict.isClean; round += 1) {
          await delay(between(prng, 100, 800));
          await Promise.all(cluster.members.map((member) => cluster.kill(member)));
          for (const member of cluster.members) await cluster.start(member);
          await cluster.untilServing();
          await writesGoOn(cluster.members);
        }
        await workload.finish();
      } catch (error) {
        await workload.abandon();
        throw new Error(`KILL_SEED=${SEED}: ${(error as Error).message}`, { cause: error });
      }
      console.info(`KILL_SEED=${SEED}: ${workload.summary}`);
      expect(workload.ledger.acknowledgedCount).toBeGreaterThan(ROUNDS * 10);
    });
  },
  60_000 + ROUNDS * ROUND_MS,
);

import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'conclave/core';
import { Samples } from '../measure.js';
import { type Contestant, type Ground, withContestants } from './contestant.js';
import { printContest } from './table.js';

const CALLERS = 4;
/** How long a caller waits for one answer before it asks again: else an answer that never comes would be what is measured. */
const REQUEST_TIMEOUT_MS = 250;
const GIVEN_UP_MS = 20_000;
const REST_MS = 500;

/** From `kill -9` of the leader to the first write that is acknowledged to a client that knows all members. */
export async function failover(ground: Ground): Promise<void> {
  await measure(ground, 'default settings', [], 'goal: p50 under 800, max under 2,000');
  const flags = ['--election-timeout', '300', '--heartbeat-interval', '50'];
  await measure(ground, '--election-timeout 300 --heartbeat-interval 50', flags, 'goal: p50 under 400');
}

async function measure(ground: Ground, setting: string, flags: readonly string[], goal: string): Promise<void> {
  await withContestants(
    ground,
    () => flags,
    async (contestants) => {
      const times: number[][] = contestants.map(() => []);
      for (let round = 0; round < ground.rounds; round += 1) {
        for (const [at, contestant] of contestants.entries()) times[at]?.push(await oneFailover(contestant));
      }
      const samples = times.map((ms) => new Samples(ms));
      printContest(
        `Failover, ${ground.rounds} rounds, ${setting}`,
        contestants.map(({ name }) => name),
        [
          { what: 'p50', unit: 'ms', figures: samples.map(({ p50 }) => p50), besides: goal },
          { what: 'max', unit: 'ms', figures: samples.map((one) => one.quantile(1)) },
          { what: 'min', unit: 'ms', figures: samples.map(({ min }) => min) },
        ],
      );
    },
  );
}

async function oneFailover({ cluster }: Contestant): Promise<number> {
  const leader = await cluster.leader();
  const store = await connect(cluster.url, { client: { requestTimeoutMs: REQUEST_TIMEOUT_MS, backoffMaxMs: 50 } });
  try {
    await store.put('failover', 'before');
    const killedMs = performance.now();
    void cluster.kill(leader);
    return await new Promise<number>((resolve, reject) => {
      let isOver = false;
      const end = (finish: () => void) => {
        isOver = true;
        clearTimeout(patience);
        finish();
      };
      const patience = setTimeout(() => end(() => reject(new Error('nothing is written any more'))), GIVEN_UP_MS);
      const caller = async (name: number) => {
        // What was asked of the dead leader and answered before it died is no answer of a new one.
        await delay(name * 10 + 5);
        while (!isOver) {
          const isWritten = await store.put(`failover/${name}`, '').then(
            () => true,
            () => false,
          );
          if (isWritten && !isOver) end(() => resolve(performance.now() - killedMs));
          else await delay(5);
        }
      };
      for (let name = 0; name < CALLERS; name += 1) void caller(name);
    });
  } finally {
    await store.close();
    await cluster.start(leader);
    await cluster.untilServing();
    await delay(REST_MS);
  }
}

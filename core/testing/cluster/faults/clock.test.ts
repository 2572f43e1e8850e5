/** A wall clock that jumps: nothing rests on it. */
import { rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { CONCLAVE, programUnderTest } from '../member-program.js';
import { compilePreload } from '../preload/preload.js';
import { withCluster } from '../process-cluster.js';
import { membersAgree, withStore, writesGoOn } from './trials.js';

const HOUR_SECONDS = 3_600;
const SETTLE_MS = 2_500;

const preload = compilePreload('jumping-clock');
afterAll(() => (typeof preload === 'string' ? undefined : preload.remove()));
const whyNot =
  typeof preload === 'string' ? preload : programUnderTest() === CONCLAVE ? undefined : 'etcd has no C library';

function testHere(name: string, work: (at: Exclude<typeof preload, string>) => Promise<void>): void {
  if (whyNot === undefined) test(name, () => work(preload as Exclude<typeof preload, string>), 60_000);
  else test.skip(`${name} (skipped: ${whyNot})`, () => {});
}

testHere('the library does turn the wall clock, and leaves monotonic time alone', async ({ env, controlFile }) => {
  await writeFile(controlFile, String(HOUR_SECONDS));
  const program = 'console.log(JSON.stringify([Date.now(), performance.now()]))';
  const { stdout } = spawnSync(process.execPath, ['-e', program], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  await rm(controlFile);

  const [wallMs, monotonicMs] = JSON.parse(stdout) as [number, number];
  const wrongByMs = wallMs - (performance.timeOrigin + performance.now());
  expect(Math.abs(wrongByMs - HOUR_SECONDS * 1_000)).toBeLessThan(5_000);
  expect(monotonicMs).toBeLessThan(60_000);
});

for (const seconds of [HOUR_SECONDS, -HOUR_SECONDS]) {
  testHere(`the leader's wall clock jumps by ${seconds} seconds, and nothing changes`, async ({ env, controlFile }) => {
    const envOf = (name: string) => ({ ...env, JUMPING_CLOCK: `${controlFile}-${name}` });
    await withCluster({ envOf }, async (cluster) => {
      const leader = await cluster.leader();
      const { term } = await cluster.asking(leader).status();
      await withStore(cluster.members, async (store) => {
        const lease = await store.grantLease('60s');
        await store.put('leased', '', { lease });

        await writeFile(`${controlFile}-${leader.name}`, String(seconds));
        await delay(SETTLE_MS);

        expect(await writesGoOn(cluster.members)).toBeLessThan(500);
        expect(await store.get('leased')).toBeDefined();
        const { remainingTtlSeconds } = await lease.timeToLive();
        expect(remainingTtlSeconds).toBeGreaterThan(50);
        expect(remainingTtlSeconds).toBeLessThanOrEqual(60);
        await lease.keepAlive();
      });
      const after = await cluster.asking(leader).status();
      expect([after.term, after.leader]).toEqual([term, after.memberId]);
      await membersAgree(cluster);
    });
  });
}

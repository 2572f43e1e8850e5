/** What a member's disk can do to it: it ends itself rather than promise what it cannot keep, and the others go on. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { CONCLAVE, programUnderTest } from '../member-program.js';
import { compilePreload } from '../preload/preload.js';
import { type ProcessCluster, withCluster } from '../process-cluster.js';
import { SmallDisk } from '../../nemesis/equipment/small-disk.js';
import { membersAgree, withStore, writesGoOn } from './trials.js';

const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', '500'];
const DISK_BYTES = 96 * 1024 * 1024;
const LEFT_BYTES = 4 * 1024 * 1024;
const VALUE = new Uint8Array(100_000).fill(7);

const isOurs = programUnderTest() === CONCLAVE;
const failingSync = compilePreload('failing-sync');
afterAll(() => (typeof failingSync === 'string' ? undefined : failingSync.remove()));
const whyNoPreload = typeof failingSync === 'string' ? failingSync : isOurs ? undefined : 'etcd has no C library';

/** Skips with its reason in its name. */
function testUnless(why: string | undefined, name: string, work: () => Promise<void>): void {
  if (why === undefined) test(name, work, 90_000);
  else test.skip(`${name} (skipped: ${why})`, () => {});
}

for (const who of ['leader', 'follower'] as const) {
  testUnless(whyNoPreload, `a sync that fails ends the ${who}, and the others go on`, async () => {
    const preload = failingSync as Exclude<typeof failingSync, string>;
    await withCluster({ flags: FLAGS, envOf: () => preload.env }, async (cluster) => {
      const member = await cluster[who]();
      await cluster.end(member);
      await cluster.start(member, { env: { ...preload.env, FAILING_SYNC: `${preload.controlFile}-${member.name}` } });
      await cluster.untilServing();
      if (who === 'leader') await makeLeader(cluster, member);
      await writeFile(`${preload.controlFile}-${member.name}`, 'fail');

      await writesGoOn(cluster.others(member));
      expect((await member.ended).code).toBe(1);
      expect(member.log).toMatch(/EIO|i\/o error|input\/output error/i);

      await rm(`${preload.controlFile}-${member.name}`);
      await cluster.start(member, { env: preload.env });
      await membersAgree(cluster);
    });
  });
}

testUnless(whyNoPreload, 'a sync that takes over a second is reported', async () => {
  const preload = failingSync as Exclude<typeof failingSync, string>;
  await withCluster({ flags: FLAGS, envOf: () => preload.env }, async (cluster) => {
    const member = await cluster.follower();
    await cluster.end(member);
    await cluster.start(member, { env: { ...preload.env, FAILING_SYNC: `${preload.controlFile}-slow` } });
    await cluster.untilServing();
    await writeFile(`${preload.controlFile}-slow`, '1300');

    await writesGoOn(cluster.others(member));
    await cluster.until('it says so', async () => /disk is slow/.test(warnings(member.log)), 10_000);

    expect(member.isRunning).toBe(true);
    await rm(`${preload.controlFile}-slow`);
    await membersAgree(cluster);
  });
});

/** Lines of level warning or worse. */
function warnings(log: string): string {
  return log
    .split('\n')
    .filter((line) => /"level":(40|50|"warn|"error)|WARN|ERROR/i.test(line))
    .join('\n');
}

const whyNoDisk = isOurs ? SmallDisk.whyNot() : 'how etcd ends is its own affair';

testUnless(
  whyNoDisk,
  'a full disk ends its member with a reason; the others go on, and it is back with space',
  async () => {
    let disk: SmallDisk | undefined;
    const dataDirOf = (name: string, folder: string) => {
      if (name !== 'm1') return join(folder, name);
      disk = SmallDisk.mount(join(folder, 'small-disk'), DISK_BYTES);
      return join(disk.folder, name);
    };
    try {
      await withCluster({ flags: FLAGS, dataDirOf }, async (cluster) => {
        const member = cluster.member('m1');
        disk?.fill(LEFT_BYTES);

        await withStore(cluster.others(member), async (store) => {
          for (let n = 0; n < 400 && member.isRunning; n += 1)
            await store.put(`big/${n}`, VALUE).catch(() => undefined);
        });
        expect((await member.ended).code).toBe(1);
        expect(member.log).toMatch(/ENOSPC|no space|full/i);
        await writesGoOn(cluster.others(member));

        disk?.free();
        await cluster.start(member);
        await membersAgree(cluster, cluster.members, 30_000);
        await cluster.kill(member);
        disk?.unmount();
        disk = undefined;
      });
    } finally {
      disk?.unmount();
    }
  },
);

/** Hands over until this member leads. */
async function makeLeader(cluster: ProcessCluster, member: ProcessCluster['members'][number]): Promise<void> {
  const isLeader = async () => {
    const leader = await cluster.leader();
    if (leader === member) return true;
    const { memberId } = await cluster.asking(member).status();
    await cluster
      .asking(leader)
      .moveLeader(memberId)
      .catch(() => undefined);
    return false;
  };
  await cluster.until(`${member.name} leads`, isLeader, 10_000);
}

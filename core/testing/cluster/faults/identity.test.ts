/** Who may not be a member, as it is: of another cluster, of another token, wiped, damaged, or there twice. */
import { cp, open as openFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { MemberProcess } from '../member-process.js';
import { CONCLAVE, programUnderTest } from '../member-program.js';
import { ProcessCluster } from '../process-cluster.js';
import { idOf, membersOf, replaceMember } from '../replacement.js';
import { membersAgree, writesGoOn } from './trials.js';

const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', '500'];
const END_MS = 15_000;

const isOurs = programUnderTest() === CONCLAVE;
let cluster: ProcessCluster;

beforeAll(async () => {
  if (isOurs) cluster = await ProcessCluster.start({ flags: FLAGS });
});
afterAll(() => cluster?.stop());

function identityTest(name: string, work: () => Promise<void>): void {
  if (!isOurs) return test.skip(`${name} (skipped: how etcd refuses is its own affair)`, () => {});
  test(
    name,
    async () => {
      try {
        await work();
      } catch (error) {
        throw cluster.explain(error);
      }
    },
    90_000,
  );
}

/** How it ends by itself; fails if it does not in time. */
async function endOf(member: MemberProcess): Promise<number | null> {
  const patience = setTimeout(() => void member.kill(), END_MS);
  const { code, signal } = await member.ended;
  clearTimeout(patience);
  if (signal) throw new Error(`${member.name} did not end by itself:\n${member.log.slice(-2_000)}`);
  return code;
}

/** What a member logs in the life that begins now. */
async function lifeOf(member: MemberProcess, life: Parameters<MemberProcess['start']>[0] = {}): Promise<string> {
  const before = member.log.length;
  await cluster.start(member, life);
  expect(await endOf(member)).toBe(1);
  return member.log.slice(before);
}

identityTest('a folder that a member has open is refused to a second one', async () => {
  const member = await cluster.follower();
  const second = await cluster.newcomer('second');
  const flags = ['--data-dir', member.dataDir];

  expect(await lifeOf(second, { flags })).toContain('DATA_DIR_LOCKED');
});

identityTest('data of another cluster keeps to itself: both sides refuse, with both clusters named', async () => {
  const other = await ProcessCluster.start({ flags: FLAGS, token: 'another' });
  const member = await cluster.follower();
  await cluster.end(member);
  const stranger = other.members[0] as MemberProcess;
  const ids = [
    await clusterIdOf(cluster, cluster.others(member)[0] as MemberProcess),
    await clusterIdOf(other, stranger),
  ];
  await Promise.all(other.members.map((one) => one.end()));
  await rename(member.dataDir, `${member.dataDir}.kept`);
  await cp(stranger.dataDir, member.dataDir, { recursive: true });
  await other.stop();
  const before = member.log.length;
  await cluster.start(member);

  const refusal = async () => {
    const line =
      member.log
        .slice(before)
        .split('\n')
        .find((one) => one.includes('clusterMismatch')) ?? '';
    return ids.every((id) => line.includes(id));
  };
  await cluster.until('it refuses them', refusal, END_MS);
  await writesGoOn(cluster.others(member));

  await cluster.kill(member);
  await takeBackData(member);
});

identityTest('a member that was started with another token finds no way in', async () => {
  const member = await cluster.follower();
  await cluster.end(member);
  await rename(member.dataDir, `${member.dataDir}.kept`);

  const log = await lifeOf(member, { flags: [...FLAGS, '--initial-cluster-token', 'another'] });

  expect(log).toMatch(/cluster/i);
  await writesGoOn(cluster.others(member));
  await takeBackData(member);
});

identityTest(
  'a member whose log is damaged names file and byte; with its disk wiped it is refused; replaced, it is back',
  async () => {
    const member = await cluster.follower();
    await writesGoOn(cluster.members);
    await cluster.end(member);
    const segment = await damageLog(member);

    const damaged = await lifeOf(member);
    expect(damaged).toContain('LOG_DAMAGED');
    expect(damaged).toContain(segment);
    expect(damaged).toMatch(/is damaged at byte \d+/);

    await member.wipe();
    const wiped = await lifeOf(member);
    expect(wiped).toMatch(/wiped|incarnation|replace/i);
    await writesGoOn(cluster.others(member));

    const dead = await idOf(cluster, member);
    const successor = await replaceMember(cluster, member, 'successor');

    await membersAgree(cluster);
    await cluster.until('the dead one is gone', async () => !(await membersOf(cluster.members)).includes(dead), 10_000);
    const [one, other] = cluster.others(successor) as [MemberProcess, MemberProcess];
    await cluster.kill(one);
    await writesGoOn([other, successor]);
  },
);

async function clusterIdOf(of: ProcessCluster, member: MemberProcess): Promise<string> {
  return (await of.asking(member).status()).clusterId.toString(16);
}

/** The member has its own data again, and its place. */
async function takeBackData(member: MemberProcess): Promise<void> {
  await member.wipe();
  await rename(`${member.dataDir}.kept`, member.dataDir);
  await cluster.start(member);
  await membersAgree(cluster);
}

async function damageLog(member: MemberProcess): Promise<string> {
  const folder = join(member.dataDir, 'wal');
  const segment = join(folder, (await readdir(folder)).sort()[0] as string);
  const file = await openFile(segment, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, 600);
  await file.write(Uint8Array.of((byte[0] as number) ^ 0xff), 0, 1, 600);
  await file.close();
  return segment;
}

/** One of three is gone, in every way in which it can be: the other two go on, and it answers nothing stale. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { toText } from '../../../base/bytes.js';
import { hasCode } from '../../../base/errors.js';
import type { MemberProcess } from '../member-process.js';
import { ProcessCluster } from '../process-cluster.js';
import { failure, membersAgree, withStore, writesGoOn } from './trials.js';

/** More than a client waits, and than a member does that knows no leader: 5 seconds and two election timeouts. */
const PATIENCE_MS = 10_000;
/** Half the default, so that all this takes half as long. */
const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', '500'];
/** A key that was written before a member was cut off, and once more after. */
const KEY = 'register';

let cluster: ProcessCluster;
let wasWell = true;

beforeAll(async () => {
  cluster = await ProcessCluster.start({ withLinks: true, flags: FLAGS });
});
afterEach(async () => {
  cluster.heal();
  for (const member of cluster.members) {
    if (!member.isRunning) await cluster.start(member);
    member.resume();
  }
  await cluster.untilServing();
  await membersAgree(cluster);
});
afterAll(() => cluster.stop());

/** A test whose failure tells what the members logged. */
function faultTest(name: string, work: () => Promise<void>): void {
  test(
    name,
    async () => {
      try {
        await work();
      } catch (error) {
        wasWell = false;
        throw cluster.explain(error);
      }
    },
    60_000,
  );
}

faultTest('the leader is killed: writes go on within a second and a half', async () => {
  const leader = await cluster.leader();
  await cluster.kill(leader);

  expect(await writesGoOn(cluster.others(leader))).toBeLessThan(1_500);
});

faultTest('a follower is killed: writes go on at once', async () => {
  const follower = await cluster.follower();
  await cluster.kill(follower);

  expect(await writesGoOn(cluster.others(follower))).toBeLessThan(1_000);
});

faultTest('the leader is stopped: writes go on, and it steps down when it wakes', async () => {
  const leader = await cluster.leader();
  const { term } = await cluster.asking(leader).status();
  leader.pause();

  await writesGoOn(cluster.others(leader));
  leader.resume();

  const follows = async () => ((await cluster.statusOf(leader))?.term ?? 0) > term;
  await cluster.until('it follows another', follows, 5_000);
});

const CUTS: Record<string, (member: MemberProcess) => void> = {
  'cut off in both directions': (member) => cluster.isolate(member),
  'not heard by the others': (member) => cluster.others(member).forEach((other) => cluster.cutOneWay(member, other)),
  'deaf to the others': (member) => cluster.others(member).forEach((other) => cluster.cutOneWay(other, member)),
};
for (const [how, cutOff] of Object.entries(CUTS)) {
  for (const who of ['leader', 'follower'] as const) {
    faultTest(`the ${who} is ${how}: writes go on, and it answers serializable reads, but no stale one`, async () => {
      const member = await cluster[who]();
      const others = cluster.others(member);
      await withStore(others, (store) => store.put(KEY, 'before'));
      await withStore([member], (store) => store.get(KEY));
      cutOff(member);

      await writesGoOn(others);
      await withStore(others, (store) => store.put(KEY, 'after'));

      await answersNothingStale(member);
    });
  }
}

/** Who is cut off refuses a linearizable read, or, if it still hears the leader, answers what is true. */
async function answersNothingStale(member: MemberProcess): Promise<void> {
  await withStore(
    [member],
    async (store) => {
      const read = store.get(KEY).then((kv) => toText(kv?.value ?? new Uint8Array()));
      const answered = await read.catch((error: unknown) => {
        expect(hasCode(error, 'NO_LEADER') || hasCode(error, 'UNAVAILABLE')).toBe(true);
        return 'after';
      });
      expect(answered).toBe('after');
      expect(await store.get(KEY, { serializable: true })).toBeDefined();
    },
    { retriesMax: 0 },
  );
}

faultTest('a member that is cut off says that it knows no leader, and refuses writes in bounded time', async () => {
  const member = await cluster.leader();
  cluster.isolate(member);
  await cluster.until('it knows', async () => (await cluster.asking(member).status()).leader === 0n, PATIENCE_MS);

  await withStore(
    [member],
    async (store) => {
      const put = await failure(() => store.put('refused', ''));
      expect((put.error as { retry: string }).retry).not.toBe('never');
      expect(put.tookMs).toBeLessThan(PATIENCE_MS);
      const read = await failure(() => store.get('refused'));
      expect((read.error as { retry: string }).retry).toBe('safe');
    },
    { retriesMax: 0 },
  );
  const { errors } = await cluster.asking(member).status();
  expect(errors.join()).toContain('no leader');
});

faultTest('one link is cut: the leader stays, or changes once, and writes go on', async () => {
  const leader = await cluster.leader();
  const { term } = await cluster.asking(leader).status();
  const [other] = cluster.others(leader) as [MemberProcess];
  cluster.cut(leader, other);

  await writesGoOn(cluster.members);
  await cluster.until(
    'terms rest',
    async () => {
      const before = await terms();
      await delay(1_500);
      return before === (await terms());
    },
    15_000,
  );
  expect(Math.max(...(await terms()).split(' ').map(Number))).toBeLessThanOrEqual(term + 2);
});

async function terms(): Promise<string> {
  const all = await Promise.all(cluster.members.map((member) => cluster.asking(member).status()));
  return all.map(({ term }) => term).join(' ');
}

faultTest(
  'two of three are gone: writes fail in bounded time, serializable reads go on, and all is well after',
  async () => {
    const [left, ...gone] = cluster.members as [MemberProcess, MemberProcess, MemberProcess];
    await withStore([left], (store) => store.put(KEY, 'before'));
    await withStore([left], (store) => store.get(KEY));
    await Promise.all(gone.map((member) => cluster.kill(member)));

    await withStore(
      [left],
      async (store) => {
        const underWay = failure(() => store.put('too few', ''));
        await cluster.until('it knows', async () => (await cluster.statusOf(left))?.leader === 0n, PATIENCE_MS);
        // From two election timeouts after that on it refuses at once.
        await delay(1_200);
        const put = await failure(() => store.put('too few', ''));
        expect(put.error).toMatchObject({ code: 'NO_LEADER', retry: 'safe' });
        expect(put.tookMs).toBeLessThan(1_000);
        expect((await underWay).tookMs).toBeLessThan(PATIENCE_MS);
        expect(toText((await store.get(KEY, { serializable: true }))!.value)).toBe('before');
      },
      { retriesMax: 0 },
    );
    for (const member of gone) await cluster.start(member);
    await writesGoOn(cluster.members);
    expect(wasWell).toBe(true);
  },
);

import { expect, test } from '@jest/globals';
import { simulate } from '../simulate.js';
import { peerUrlOf } from './process/virtual-member.js';

/** Longer than anything here takes. */
const PATIENCE_MS = 30_000;

test('a member that was away while others were added comes back, though those it knew are gone', async () => {
  await simulate(1, async (world) => {
    const { scheduler } = world;
    const [m1, m2, m3] = await world.startCluster(3);
    if (m1 === undefined || m2 === undefined || m3 === undefined) throw new Error('there are three');
    const store = world.addClient('c1').store();
    await store.put('before', 'it went');
    m3.crash('none');

    const names = ['m1', 'm2', 'm3', 'm4'];
    const peers = Object.fromEntries(names.map((name) => [name, peerUrlOf(name)]));
    const operator = await leader([m1, m2]);
    const { member } = await operator.memberAdd({ peerUrls: [peerUrlOf('m4')], isLearner: true });
    const m4 = world.addMember('m4', { peers, initialState: 'existing' });
    await m4.start();
    await scheduler.until(() => m4.member?.status().isLearner === false, PATIENCE_MS);
    await (await leader([m1, m2, m4])).memberRemove(m1.id);
    await scheduler.until(() => m1.state === 'down', PATIENCE_MS);
    await (await leader([m2, m4])).moveLeader(member.id);
    m2.crash('none');

    // Of the three members that there are, one is down; the one that was away has never heard of the one that leads.
    await m3.start();
    await scheduler.until(() => m4.leads && m3.member?.leader === m4.id, PATIENCE_MS);
    await world.addClient('c2').store([m3, m4]).put('after', 'it came back');
    await scheduler.until(() => m3.member?.revision === m4.member?.revision, PATIENCE_MS);
    expect(m3.member?.leader).toBe(m4.id);

    async function leader(among: readonly (typeof m4)[]) {
      await scheduler.until(() => among.some(({ leads }) => leads), PATIENCE_MS);
      const { member: leading } = among.find(({ leads }) => leads) ?? {};
      if (leading === undefined) throw new Error('somebody leads');
      return leading;
    }
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../../../base/bytes.js';
import { prefix } from '../../../base/key-range.js';
import type { Machine } from '../../../machine/machine.js';
import type { Store } from '../../../store.js';
import { type VirtualMember, World } from '../world.js';

let world: World;
beforeEach(() => {
  world = new World(2);
});
afterEach(() => world.close());

async function valueOf(store: Store, key: string): Promise<string | undefined> {
  const found = await store.get(key);
  return found && toText(found.value);
}

async function putMany(store: Store, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await store.put(`key ${i}`, `value ${i}`);
}

function leader(): VirtualMember {
  const found = world.members.find(({ leads }) => leads);
  if (found === undefined) throw new Error('nobody leads');
  return found;
}

function follower(): VirtualMember {
  return world.members.find((member) => !member.leads) as VirtualMember;
}

/** Whether a member has applied as much as the leader. */
function hasCaughtUp(member: VirtualMember): boolean {
  return member.machine !== undefined && member.machine.appliedIndex >= (leader().machine?.appliedIndex ?? 0);
}

describe('a member in a world', () => {
  test('has what it acknowledged after the power was cut everywhere, and nothing survived that was not synced', async () => {
    await world.run(async () => {
      await world.startCluster(3);
      const store = world.addClient('c').store();
      await putMany(store, 20);
      const revision = (await store.range(prefix('key '))).revision;
      for (const member of world.members) member.crash('none');
      await world.scheduler.sleep(1_000);
      await Promise.all(world.members.map((member) => member.start()));

      const { kvs, revision: after } = await store.range(prefix('key '));
      expect(kvs).toHaveLength(20);
      expect(after).toBeGreaterThanOrEqual(revision);
    });
  });

  test('is missed at once when it is killed, and by its silence when its machine loses its power', async () => {
    const broken = () => world.trace.last().filter((step) => step.includes('the connection to a member broke')).length;
    await world.run(async () => {
      await world.startCluster(3);
      const [first, second] = world.members.filter(({ leads }) => !leads) as [VirtualMember, VirtualMember];
      first.crash('all');
      await world.scheduler.sleep(1_000);
      expect(broken()).toBe(0);
      await world.scheduler.sleep(2_000);
      expect(broken()).toBe(2);

      await first.start();
      second.kill();
      await world.scheduler.sleep(50);
      expect(broken()).toBe(4);
    });
  });

  test('comes back after it was killed, by a snapshot if the log has gone on, and its machine is the one in force', async () => {
    await world.run(async () => {
      await world.startCluster(3, { logKeptEntries: 5, logKeptBytes: 100 });
      const lagging = follower();
      const store = world.addClient('c').store(world.members.filter((member) => member !== lagging));
      await putMany(store, 5);
      lagging.kill();
      expect(lagging).toMatchObject({ state: 'down', raft: undefined, machine: undefined });
      await putMany(store, 100);

      const machines: (Machine | undefined)[] = [];
      world.onAssembled((member, { state }) => {
        if (member === lagging) machines.push(state.machine);
      });
      await lagging.start();
      await world.scheduler.until(() => hasCaughtUp(lagging));

      expect(machines).toHaveLength(1);
      expect(lagging.machine).not.toBe(machines[0]);
      expect(lagging.machine?.keyspace.revision).toBe(leader().machine?.keyspace.revision);
      expect(world.reached.paths).toContain('received a snapshot');
    });
  });

  test('whose disk was wiped is refused, and says why', async () => {
    await world.run(async () => {
      await world.startCluster(3);
      const store = world.addClient('c').store();
      await putMany(store, 3);
      const wiped = follower();
      wiped.kill();
      wiped.wipe();

      await expect(wiped.start()).rejects.toThrow('has lost its disk');
      expect(wiped).toMatchObject({ state: 'down', whyStopped: { code: 'MEMBER_STOPPED' } });
      expect(await valueOf(store, 'key 2')).toBe('value 2');
    });
  });

  test('joins a cluster that it was added to', async () => {
    await world.run(async () => {
      const members = await world.startCluster(3);
      const store = world.addClient('c').store();
      await putMany(store, 3);
      const joiner = world.addMember('m4', {
        initialState: 'existing',
        peers: Object.fromEntries(['m1', 'm2', 'm3', 'm4'].map((name) => [name, `http://${name}:2380`])),
      });
      await leader().member?.memberAdd({ peerUrls: [joiner.peerUrl], isLearner: true });
      await joiner.start();
      await world.scheduler.until(() => leader().raft?.configuration.voters.length === 4);

      expect(joiner.id).toBeGreaterThan(0n);
      for (const member of members) member.kill();
      await Promise.all(members.slice(0, 2).map((member) => member.start()));
      expect(await valueOf(world.addClient('d').store([joiner]), 'key 1')).toBe('value 1');
    });
  });

  test('stops in order, and hands over if it leads', async () => {
    await world.run(async () => {
      await world.startCluster(3);
      const old = leader();
      await old.stop();
      expect(old).toMatchObject({ state: 'down', whyStopped: undefined });

      await world.scheduler.until(() => world.members.some(({ leads }) => leads), 400);
      await old.start();
      expect(old.state).toBe('serving');
    });
  });

  test('that is ended before it serves does not keep who started it waiting', async () => {
    await world.run(async () => {
      const member = world.addMember('m1', { peers: { m1: 'http://m1:2380', m2: 'http://m2:2380' } });
      const starting = member.start();
      await world.scheduler.sleep(5_000);
      expect(member.state).toBe('starting');
      member.crash('all');

      await starting;
      expect(member.state).toBe('down');
    });
  });

  test('gives up a start when it is told to stop', async () => {
    await world.run(async () => {
      const member = world.addMember('m1', { peers: { m1: 'http://m1:2380', m2: 'http://m2:2380' } });
      const starting = member.start();
      await world.scheduler.sleep(3_000);
      await member.stop();

      await starting;
      expect(member).toMatchObject({ state: 'down', whyStopped: undefined });
    });
  });

  test('is a store for its own process, too', async () => {
    await world.run(async () => {
      const [alone] = await world.startCluster(1);
      const store = (alone as VirtualMember).store();
      await store.put('key', 'value');

      expect(await valueOf(store, 'key')).toBe('value');
      expect(() => world.addMember('m9').store()).toThrow('m9 does not serve');
    });
  });

  test('that stands still is replaced as leader, and follows when it goes on', async () => {
    await world.run(async () => {
      await world.startCluster(3);
      const store = world.addClient('c').store();
      const old = leader();
      old.pause();
      await world.scheduler.until(() => world.members.some((member) => member !== old && member.leads), 5_000);
      await store.put('key', 'value');
      old.resume();

      await world.scheduler.until(() => !old.leads && hasCaughtUp(old), 5_000);
      expect(world.effects.of('pause')).toBe(1);
    });
  });

  test.each(['cut', 'halfOpen', 'refuse'] as const)('is written around while its links %s', async (mode) => {
    await world.run(async () => {
      await world.startCluster(3);
      const store = world.addClient('c').store();
      await store.put('before', 'x');
      const old = leader();
      for (const { name } of [...world.members, ...world.clients]) {
        if (name === old.name) continue;
        world.network.link(old.name, name).mode = mode;
        world.network.link(name, old.name).mode = mode;
      }
      await world.scheduler.until(() => world.members.some((member) => member !== old && member.leads), 5_000);
      await store.put('during', 'x');
      expect(world.effects.of(mode)).toBeGreaterThan(0);

      world.network.heal();
      await world.scheduler.until(() => !old.leads && hasCaughtUp(old), 5_000);
    });
  });
});

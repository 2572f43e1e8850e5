import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Mutex } from '../../../recipes/index.js';
import { toText } from '../../base/bytes.js';
import { type VirtualProcess, ViolationError, World } from './world.js';

let world: World;
beforeEach(() => {
  world = new World(1);
});
afterEach(() => world.close());

function failureOf(run: Promise<unknown>): Promise<Error> {
  return run.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: Error) => error,
  );
}

describe('a world', () => {
  test('has members that elect a leader and serve clients over the network', async () => {
    const value = await world.run(async () => {
      await world.startCluster(3);
      const store = world.addClient('c1').store();
      await store.put('key', 'value');
      return (await store.get('key'))?.value;
    });

    expect(toText(value as Uint8Array)).toBe('value');
    expect(world.members.filter(({ leads }) => leads)).toHaveLength(1);
    expect(world.reached.paths).toContain('connected to a member');
  });

  test('has users of recipes, of whom one at a time holds a lock while its leader is killed', async () => {
    let holders = 0;
    let turns = 0;
    const take = async (mutex: Mutex) => {
      for (let turn = 0; turn < 5; turn += 1) {
        const held = await mutex.acquire();
        holders += 1;
        if (holders > 1) world.violation('two hold the lock');
        await world.scheduler.sleep(50);
        holders -= 1;
        turns += 1;
        await held.release();
      }
    };

    await world.run(async () => {
      const members = await world.startCluster(3);
      const stores = ['a', 'b', 'c'].map((name) => world.addClient(name).store());
      const users = stores.map((store) => take(new Mutex(store, { name: 'orders', ttl: '10s' })));
      await world.scheduler.sleep(100);
      members.find(({ leads }) => leads)?.kill();
      await Promise.all(users);
    });

    expect(turns).toBe(15);
  });

  test('takes no longer than what happens in it', async () => {
    await world.run(() => world.scheduler.sleep(365 * 86_400_000));

    expect(world.scheduler.now()).toBe(365 * 86_400_000);
    expect(world.scheduler.events).toBe(1);
  });

  test('can be turned again, and not twice at a time', async () => {
    const first = world.run(() => world.scheduler.sleep(1).then(() => 'first'));
    expect(() => world.run(() => Promise.resolve())).toThrow('turned already');

    expect(await first).toBe('first');
    expect(await world.run(() => world.scheduler.sleep(1).then(() => 'second'))).toBe('second');
    expect(world.scheduler.now()).toBe(2);
  });

  test('ends with what its body throws, or with the fact that nothing is left to happen', async () => {
    expect((await failureOf(world.run(() => Promise.reject(new Error('enough'))))).message).toBe('enough');
    const stuck = world.run(() => new Promise(() => undefined));

    expect((await failureOf(stuck)).message).toContain('nothing is left to happen');
  });

  test('ends with the first promise that is broken', async () => {
    const run = world.run(async () => {
      await world.scheduler.sleep(5);
      world.violation('one thing');
      world.violation('another thing');
      await world.scheduler.sleep(1_000_000);
    });

    const error = await failureOf(run);

    expect(error).toBeInstanceOf(ViolationError);
    expect(error).toMatchObject({ what: 'one thing', seed: 1, atMs: 5 });
    expect(world.trace.last().at(-2)).toContain('one thing');
    expect(() => world.violation('too late')).toThrow('too late');
  });

  test('ends when a process throws what nobody catches', async () => {
    const { clock } = world.addClient('a');
    const run = world.run(async () => {
      clock.after(1, () => {
        throw new Error('oops');
      });
      await world.scheduler.sleep(10);
    });

    expect((await failureOf(run)).message).toContain('a threw what nobody caught: Error: oops');
  });

  test('ends when somebody uses the time or the chance of the machine, even if the error is caught', async () => {
    const run = world.run(async () => {
      await world.scheduler.sleep(1);
      try {
        setTimeout(() => undefined, 1);
      } catch {
        // As a library might.
      }
      await world.scheduler.sleep(1);
    });

    expect((await failureOf(run)).message).toContain('setTimeout was used');
  });

  test('calls checks back with whoever something happened to, once it has run to its end', async () => {
    const seen: [string, number][] = [];
    let steps = 0;
    world.afterEachEvent(({ name }: VirtualProcess) => seen.push([name, steps]));
    const [a, b] = [world.addClient('a'), world.addClient('b')];

    await world.run(async () => {
      a.clock.after(1, () => void Promise.resolve().then(() => (steps += 1)));
      b.clock.after(2, () => void Promise.resolve().then(() => (steps += 1)));
      await world.scheduler.sleep(3);
      b.kill();
      await world.scheduler.sleep(1);
    });

    expect(seen).toEqual([
      ['a', 1],
      ['b', 2],
      ['b', 2],
    ]);
  });

  test('does not take two processes of one name', () => {
    world.addClient('a');

    expect(() => world.addMember('a')).toThrow('a is there already');
  });
});

import { expect, test } from '@jest/globals';
import { Mutex } from '../../recipes/mutex/mutex.js';
import { toText } from '../base/bytes.js';
import { sleep } from '../base/clock.js';
import { hasCode } from '../base/errors.js';
import type { Store } from '../store.js';
import { put } from '../txn.js';
import { simulate, simulateSeeds, type SimulationError, type World } from './index.js';
import './jest.js';

const leaderOf = ({ members }: World) => members.find(({ leads }) => leads);

test('a lock outlives the member that led', async () => {
  await simulate(1, async (world) => {
    await world.startCluster(3);
    const mutex = new Mutex(world.addClient('billing').store(), { name: 'invoices', ttl: '10s' });
    const held = await mutex.acquire();

    leaderOf(world)?.crash('none');

    await expect(mutex).toBeHeldBy(held);
    await held.release();
    await expect(mutex).toBeFree();
  });
});

test('a holder that is paused beyond its TTL is rejected by the store', async () => {
  await simulate(2, async (world) => {
    await world.startCluster(3);
    const [slow, quick] = [world.addClient('slow'), world.addClient('quick')];
    const slowStore = slow.store();
    const held = await new Mutex(slowStore, { name: 'm', ttl: '10s' }).acquire();

    slow.pause();
    const mutex = new Mutex(quick.store(), { name: 'm', ttl: '10s' });
    const next = await mutex.acquire();
    slow.resume();

    expect(next.fencingToken).toBeGreaterThan(held.fencingToken);
    await expect(slowStore).toRejectStaleFence(held);
    await expect(mutex).toBeHeldBy(next);
  });
});

test('a world that does not come to an end is given up', async () => {
  const waiting = simulate(3, () => new Promise(() => undefined), { limitMs: 5_000 });

  await expect(waiting).rejects.toThrow('seed 3, after 5.000 simulated seconds: it is not over after 5000 ms');
});

/** Of a till that was paused for too long: it was not done, and is not to be. */
function whatPauseMakes(error: unknown): void {
  if (!hasCode(error, 'HOLD_LOST') && !hasCode(error, 'SESSION_LOST')) throw error;
}

/** Withdraws from an account under a lock, as many do it: what is written relies on the lock's being held still. */
async function withdrawals(world: World, isGuarded: boolean): Promise<void> {
  await world.startCluster(3);
  const chance = world.chance('pauses');
  const tills = [world.addClient('till-1'), world.addClient('till-2')];
  const [first, second] = tills.map((till) => till.store());
  if (first === undefined || second === undefined) throw new Error('there are two tills');
  await first.put('balance', '100');
  let withdrawn = 0;
  const withdraw = async (store: Store, mutex: Mutex) => {
    await using held = await mutex.acquire();
    const balance = Number(toText((await store.get('balance'))?.value ?? new Uint8Array()));
    // The bank is asked, which takes a while: by the clock of the process, which stands when the process does.
    await sleep(store.clock, 1_000);
    const paying = put('balance', String(balance - 1));
    await (isGuarded ? held.guard(store.txn()) : store.txn()).do(paying).commit();
    withdrawn += 1;
  };
  const work = [first, second].map(async (store) => {
    const mutex = new Mutex(store, { name: 'account', ttl: '5s' });
    for (let time = 0; time < 5; time += 1) await withdraw(store, mutex).catch(whatPauseMakes);
  });
  const pausing = async () => {
    for (const till of tills) {
      await world.scheduler.sleep(4_000 * chance.next());
      till.pause();
      await world.scheduler.sleep(20_000 * chance.next());
      till.resume();
    }
  };
  await Promise.all([...work, pausing()]);
  expect(toText((await first.get('balance'))?.value ?? new Uint8Array())).toBe(String(100 - withdrawn));
}

test('finds the seed with which a lock alone does not protect an account, and that seed finds it again', async () => {
  const search = simulateSeeds({ count: 20 }, (world) => withdrawals(world, false));
  const error = (await search.catch((thrown: unknown) => thrown)) as SimulationError;

  expect(error.name).toBe('SimulationError');
  expect(error.message).toMatch(/^seed \d+, after \d+\.\d{3} simulated seconds: .*/);
  expect(error.lastEvents.join()).toContain('is paused');
  const again = simulate(error.seed, (world) => withdrawals(world, false)).catch((thrown: unknown) => thrown);
  expect(((await again) as SimulationError).message).toBe(error.message);
});

test('finds nothing where each write is guarded', async () => {
  await simulateSeeds({ count: 5 }, (world) => withdrawals(world, true));
});

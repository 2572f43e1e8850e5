import { afterAll, describe, expect, test } from '@jest/globals';
import { Election } from '../../../recipes/election/election.js';
import { Mutex } from '../../../recipes/mutex/mutex.js';
import { open } from '../../embedded/open.js';
import '../jest.js';

const store = await open({ memory: true });
afterAll(() => store.close());

const failure = async (expectation: Promise<void>) => (await expectation.catch((error: unknown) => error)) as Error;

describe('toBeHeldBy', () => {
  test('compares with who holds by the word of the store', async () => {
    const mutex = new Mutex(store, { name: 'a', ttl: '15s' });
    await expect(mutex).toBeFree();

    const held = await mutex.acquire();
    await expect(mutex).toBeHeldBy(held);
    await expect(mutex).not.toBeHeldBy(held.fencingToken + 1);
    await expect(mutex).not.toBeFree();

    await held.release();
    await expect(mutex).not.toBeHeldBy(held);
    await mutex.dispose();
  });

  test('names both tokens when it fails', async () => {
    const mutex = new Mutex(store, { name: 'b', ttl: '15s' });
    const held = await mutex.acquire();
    const { message } = await failure(expect(mutex).toBeHeldBy(7_000_000));
    await held.release();

    expect(message).toMatch(/the lock b was to be held with the fencing token 7000000, and is held by .* token \d+/);
    expect((await failure(expect(mutex).toBeHeldBy(held))).message).toContain('is held by nobody');
    await mutex.dispose();
  });
});

test('toBeLedBy compares with who leads by the word of the store', async () => {
  const election = new Election(store, { name: 'e', ttl: '15s' });
  const leadership = await election.campaign();

  await expect(election).toBeLedBy(leadership);
  await expect(election).not.toBeLedBy(leadership.fencingToken - 1);

  await leadership.resign();
  await expect(election).not.toBeLedBy(leadership);
  await election.dispose();
});

describe('toRejectStaleFence', () => {
  test('passes if the guarded write of a former holder is rejected', async () => {
    const mutex = new Mutex(store, { name: 'c', ttl: '15s' });
    const held = await mutex.acquire();
    await store.delete((await mutex.inspect()).holder?.key ?? '');

    await expect(store).toRejectStaleFence(held);
    await mutex.dispose();
  });

  test('fails for one that still holds, and leaves nothing behind', async () => {
    const mutex = new Mutex(store, { name: 'd', ttl: '15s' });
    const held = await mutex.acquire();

    const { message } = await failure(expect(store).toRejectStaleFence(held));

    expect(message).toContain(`token ${held.fencingToken} was carried out`);
    expect(await store.get(`conclave/testing/stale-fence/${held.fencingToken}`)).toBeUndefined();
    await held.release();
    await mutex.dispose();
  });

  test('fails for a guard that lets everything through', async () => {
    const fake = { fencingToken: 1, guard: <T>(txn: T) => txn };

    await expect(store).not.toRejectStaleFence(fake);
  });
});

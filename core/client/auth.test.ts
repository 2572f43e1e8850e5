import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type ConnectOptions } from '../connect.js';
import { prefix } from '../base/key-range.js';
import { toText } from '../base/bytes.js';
import { type RunningMember, startMember } from '../server/start-member.js';
import type { Store, WatchStream } from '../store.js';

let running: RunningMember;
const stores: Store[] = [];

beforeEach(async () => {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', authPasswordCost: 4 });
  const { auth } = running.member;
  for (const name of ['root', 'ann']) await auth.change({ type: 'userAdd', name, password: `${name}'s` });
  await auth.change({ type: 'userGrant', name: 'root', role: 'root' });
  for (const role of ['r', 'more']) await auth.change({ type: 'roleAdd', role });
  await auth.change({ type: 'roleGrant', role: 'r', permission: { ...prefix('a/'), access: 'readWrite' } });
  await auth.change({ type: 'userGrant', name: 'ann', role: 'r' });
  await auth.change({ type: 'enable' });
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await running.close();
});

const ANN = { user: 'ann', password: "ann's" };

async function connected(options: ConnectOptions): Promise<Store> {
  const store = await connect(running.clientUrl as string, options);
  stores.push(store);
  return store;
}

/** After this no token that ann has is good. */
async function voidTokens(): Promise<void> {
  const { auth } = running.member;
  const has = (await auth.userRoles('ann')).includes('more');
  await auth.change({ type: has ? 'userRevoke' : 'userGrant', name: 'ann', role: 'more' });
}

async function nextKey(watch: WatchStream): Promise<string> {
  for await (const { events } of watch) {
    const [event] = events;
    if (event !== undefined) return toText(event.kv.key);
  }
  throw new Error('the watch ended');
}

describe('a store that says who asks', () => {
  test('does what its user may do, and is told what it may not', async () => {
    const store = await connected(ANN);
    await store.put('a/1', 'v');

    expect((await store.get('a/1'))?.version).toBe(1);
    for (const denied of [store.put('b/1', 'v'), store.get('b/1'), store.range(prefix('b/'))]) {
      await expect(denied).rejects.toMatchObject({ name: 'PermissionDeniedError', code: 'PERMISSION_DENIED' });
    }
    await expect(nextKey(store.watch('b/1'))).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test.each([
    ['another password', { user: 'ann', password: 'wrong' }, 'AUTHENTICATION_FAILED'],
    ['a name that nobody has', { user: 'ghost', password: 'wrong' }, 'AUTHENTICATION_FAILED'],
    ['a password without a name', { password: 'x' }, 'INVALID_ARGUMENT'],
    ['a token beside a password', { ...ANN, token: 't.1' }, 'INVALID_ARGUMENT'],
  ])('does not connect with %s', async (_, options, code) => {
    await expect(connect(running.clientUrl as string, options)).rejects.toMatchObject({ code });
  });

  test('is told that it must say so, if it does not', async () => {
    const store = await connected({});

    await expect(store.put('a/1', '')).rejects.toMatchObject({ code: 'USER_NAME_EMPTY' });
    await expect(nextKey(store.watch('a/1'))).rejects.toMatchObject({ code: 'USER_NAME_EMPTY' });
  });

  test('gets another token when its own is not good any more, for calls and renewals', async () => {
    const store = await connected(ANN);
    const lease = await store.grantLease('60s');
    await store.put('a/1', '');
    await lease.keepAlive();

    for (let time = 2; time <= 4; time += 1) {
      await voidTokens();
      await Promise.all([store.put(`a/${time}`, ''), lease.keepAlive()]);
      expect((await store.range(prefix('a/'))).count).toBe(time);
    }
  });

  test('has its watches go on where they were when its token is not good any more', async () => {
    const store = await connected(ANN);
    const keys: string[] = [];
    const watching = (async () => {
      for await (const { events } of store.watch(prefix('a/'), { from: 2 })) {
        for (const { kv } of events) keys.push(toText(kv.key));
        if (keys.at(-1) === 'a/last') return;
      }
    })();
    for (const name of ['a/1', 'a/2', 'a/3']) {
      await store.put(name, '');
      await voidTokens();
    }
    await store.put('a/last', '');
    await watching;

    expect(keys).toEqual(['a/1', 'a/2', 'a/3', 'a/last']);
  });

  test('has a watch end with the right to it', async () => {
    const store = await connected(ANN);
    const watch = nextKey(store.watch(prefix('a/')));
    const denied = expect(watch).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await store.get('a/1');
    await running.member.auth.change({ type: 'roleRevoke', role: 'r', range: prefix('a/') });

    await denied;
  });

  test('works also where nobody is asked, and goes on when somebody is', async () => {
    await running.member.auth.change({ type: 'disable' });
    const store = await connected(ANN);
    await store.put('b/1', '');
    await running.member.auth.change({ type: 'enable' });

    await store.put('a/1', '');
    await expect(store.put('b/1', '')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('with a token of its own says so when that is not good any more', async () => {
    const token = await running.member.auth.authenticate('ann', "ann's");
    const store = await connected({ token });
    await store.put('a/1', '');
    await voidTokens();

    await expect(store.put('a/1', '')).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
    await expect(nextKey(store.watch('a/1'))).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
  });

  test('is told when its password is another one by now', async () => {
    const store = await connected(ANN);
    await running.member.auth.change({ type: 'userPassword', name: 'ann', password: 'new' });

    await expect(store.put('a/1', '')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' });
    await expect(nextKey(store.watch('a/1'))).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' });
  });
});

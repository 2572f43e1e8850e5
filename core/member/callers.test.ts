import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { fromKey, key, prefix } from '../base/key-range.js';
import { get, put } from '../txn.js';
import type { Credentials } from './callers.js';
import type { GuardedMember } from './guarded-member.js';
import { codeOf } from './testing/codes.js';
import { TestCluster, type TestNode } from './testing/member-cluster.js';

let cluster: TestCluster;

afterEach(() => cluster.close());

const until = <T>(promise: Promise<T>): Promise<T> => cluster.until(promise);
const as = (node: TestNode, credentials: Credentials) =>
  until(Promise.resolve().then(() => node.m.callers.of(credentials)));
const login = (node: TestNode, name: string) => until(node.m.auth.authenticate(name, `${name}'s`));
const refusal = (promise: Promise<unknown>) => until(promise.then(() => 'done', codeOf));

/** Root, and ann who may do everything below "a/"; authentication is enabled. */
async function enable({ m }: TestNode): Promise<void> {
  const { auth } = m;
  for (const name of ['root', 'ann']) await until(auth.change({ type: 'userAdd', name, password: `${name}'s` }));
  await until(auth.change({ type: 'userGrant', name: 'root', role: 'root' }));
  await until(auth.change({ type: 'roleAdd', role: 'r' }));
  const permission = { ...prefix('a/'), access: 'readWrite' } as const;
  await until(auth.change({ type: 'roleGrant', role: 'r', permission }));
  await until(auth.change({ type: 'userGrant', name: 'ann', role: 'r' }));
  await until(auth.change({ type: 'enable' }));
}

async function started(size: number): Promise<TestNode> {
  cluster = await TestCluster.started({ size, settings: { logKeptEntries: 10 } });
  await enable(cluster.leader);
  return cluster.leader;
}

describe('three members', () => {
  let leader: TestNode;
  let followers: readonly TestNode[];

  beforeEach(async () => {
    leader = await started(3);
    followers = cluster.followers;
  });

  test('a token that one of them gave is good at all, also at one that has not heard of it', async () => {
    const [first, second] = followers as [TestNode, TestNode];
    const token = await login(first, 'ann');

    for (const node of [leader, first, second]) {
      const ann = await as(node, { token });
      expect(await refusal(ann.put(put('a/1', '')))).toBe('done');
      expect(await refusal(ann.put(put('b/1', '')))).toBe('PERMISSION_DENIED');
      expect(await refusal(ann.range(get(prefix('a/'))))).toBe('done');
      expect(await refusal(ann.range(get(fromKey('a/'))))).toBe('PERMISSION_DENIED');
    }
  });

  test('what followers hand over is done for its caller, and nothing more', async () => {
    const [follower] = followers as [TestNode];
    const ann = await as(follower, { token: await login(follower, 'ann') });
    const nobody = await as(follower, {});
    await until(leader.m.leaseGrant(7n, 60));
    await until(leader.m.leaseGrant(8n, 60));
    await until(leader.m.put(put('secret', '', { lease: 8n })));

    expect(await refusal(ann.leaseKeepAlive(7n))).toBe('done');
    expect(await refusal(ann.leaseKeepAlive(8n))).toBe('PERMISSION_DENIED');
    expect(await refusal(ann.leaseTimeToLive(8n, true))).toBe('PERMISSION_DENIED');
    expect(await refusal(ann.leaseTimeToLive(8n, false))).toBe('done');
    expect(await refusal(ann.leaseRevoke(8n))).toBe('PERMISSION_DENIED');
    expect(await refusal(ann.memberRemove(leader.id))).toBe('PERMISSION_DENIED');
    for (const call of [
      () => nobody.leaseKeepAlive(7n),
      () => nobody.leaseRevoke(7n),
      () => nobody.put(put('a/1', '')),
      () => nobody.memberRemove(leader.id),
      () => nobody.members({ linearizable: true }),
    ])
      expect(await refusal(call())).toBe('USER_NAME_EMPTY');
  });

  test('a member that lags behind asks the others before it says no, and grants nothing that was taken away', async () => {
    const [lagging] = followers as [TestNode];
    const ann = await as(lagging, { token: await login(lagging, 'ann') });
    lagging.log.stick();
    const permission = { ...prefix('b/'), access: 'readWrite' } as const;
    await until(leader.m.auth.change({ type: 'roleGrant', role: 'r', permission }));
    await until(leader.m.auth.change({ type: 'roleRevoke', role: 'r', range: prefix('a/') }));
    expect(lagging.m.appliedIndex).toBeLessThan(leader.m.appliedIndex);

    const granted = refusal(ann.put(put('b/1', '')));
    const taken = refusal(ann.put(put('a/1', '')));
    lagging.log.release();

    expect(await granted).toBe('done');
    expect(await taken).toBe('PERMISSION_DENIED');
  });

  test('a client without a name writes nothing at a member that has not heard that it needs one', async () => {
    await until(leader.m.auth.change({ type: 'disable' }));
    const [lagging] = followers as [TestNode];
    await cluster.until(() => lagging.m.appliedIndex === leader.m.appliedIndex);
    const nobody = await as(lagging, {});
    lagging.log.stick();
    await until(leader.m.auth.change({ type: 'enable' }));
    expect(lagging.machine.auth.isEnabled).toBe(false);

    const written = refusal(nobody.put(put('b/1', '')));
    const read = refusal(nobody.range(get(key('b/1'))));
    lagging.log.release();

    expect(await written).toBe('USER_NAME_EMPTY');
    expect(await read).toBe('USER_NAME_EMPTY');
    expect((await until(leader.m.range(get(key('b/1'))))).count).toBe(0);
  });

  test('a member that caught up by a snapshot knows users, and ends watches to which the right is gone', async () => {
    const [away] = followers as [TestNode];
    const ann = await as(away, { token: await login(away, 'ann') });
    const taken: unknown[] = [];
    const watcher = ann.watch({ target: prefix('a/') }, () => taken.push(watcher.take()));
    cluster.cutOff(away);
    await until(leader.m.auth.change({ type: 'roleRevoke', role: 'r', range: prefix('a/') }));
    await until(leader.m.put(put('a/secret', '')));
    for (let n = 0; n < 60; n += 1) await until(leader.m.put(put(`filler${n}`, '')));
    cluster.network.heal();

    await cluster.until(() => away.m.appliedIndex === leader.m.appliedIndex);
    expect(away.states.installed).toBe(1);
    expect(taken.filter((item) => item !== undefined)).toMatchObject([
      { type: 'denied', error: { code: 'PERMISSION_DENIED' } },
    ]);
    expect(await refusal(ann.range(get(key('a/secret'))))).toBe('PERMISSION_DENIED');
  });
});

test('users are there after a restart, and tokens that were given while a member was away are taken', async () => {
  const leader = await started(3);
  const [away] = cluster.followers as [TestNode];
  away.kill();
  const token = await login(leader, 'ann');
  await until(away.restart());

  const ann = await as(away, { token });
  expect(await refusal(ann.put(put('a/1', '')))).toBe('done');
  expect(await refusal(ann.put(put('b/1', '')))).toBe('PERMISSION_DENIED');
  await expect(as(away, { token: 'forged.1' })).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
});

describe('a token', () => {
  test('ends with its time, which begins anew with every use', async () => {
    const node = await started(1);
    const token = await login(node, 'ann');
    await cluster.clock.advance(299_000);
    await as(node, { token });
    await cluster.clock.advance(299_000);
    await as(node, { token });
    await cluster.clock.advance(300_000);

    await expect(as(node, { token })).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
  });

  test.each([
    ['another password', { type: 'userPassword', name: 'ann', password: 'x' }],
    ['another role', { type: 'userGrant', name: 'ann', role: 'root' }],
    ['the loss of a role', { type: 'userRevoke', name: 'ann', role: 'r' }],
    ['the deletion of a role', { type: 'roleDelete', role: 'r' }],
    ['the deletion of its user', { type: 'userDelete', name: 'ann' }],
  ] as const)('dies with %s, and so does whoever had it in use', async (_, change) => {
    const node = await started(1);
    const token = await login(node, 'ann');
    const ann = await as(node, { token });
    const root = await as(node, { token: await login(node, 'root') });
    const watcher = ann.watch({ target: prefix('a/') }, () => undefined);
    await until(root.auth.change(change));

    await expect(as(node, { token })).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
    expect(await refusal(ann.put(put('a/1', '')))).toMatch(/AUTH_REVISION_OLD|PERMISSION_DENIED/);
    expect(await refusal(ann.range(get(key('a/1'))))).toMatch(/AUTH_REVISION_OLD|PERMISSION_DENIED/);
    expect(watcher.take()).toMatchObject({ type: 'denied' });
    expect(await refusal(root.put(put('a/1', '')))).toBe('done');
  });

  test('dies when authentication is disabled, also if it is enabled again', async () => {
    const node = await started(1);
    const token = await login(node, 'ann');
    await until(node.m.auth.change({ type: 'disable' }));
    const ignored = await as(node, { token });
    expect(await refusal(ignored.put(put('b/1', '')))).toBe('done');
    await until(node.m.auth.change({ type: 'enable' }));

    await expect(as(node, { token })).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
  });

  test('that nobody gave is refused, whatever it looks like', async () => {
    const node = await started(1);
    const token = await login(node, 'ann');
    const [letters = '', index = ''] = token.split('.');

    for (const forged of [
      '',
      '.',
      letters,
      `${letters}.`,
      `.${index}`,
      `${letters}.${index}0`,
      `${letters}x.${index}`,
    ]) {
      await expect(as(node, { token: forged })).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
    }
    await expect(as(node, { token: `${letters}.${'9'.repeat(40)}` })).rejects.toMatchObject({
      code: 'INVALID_AUTH_TOKEN',
    });
  });

  test('is not in the log; only what it is recognised by', async () => {
    const node = await started(1);
    const token = await login(node, 'ann');
    const [letters = ''] = token.split('.');
    const held = JSON.stringify([...node.backend.scan('meta')].map(([name, value]) => [toText(name), toText(value)]));

    expect(held).toContain('hash of ann');
    expect(held).not.toContain(letters);
  });
});

describe('a password', () => {
  test('is compared also for those who do not exist or have none, and is asked for only while it is needed', async () => {
    const node = await started(1);
    await until(node.m.auth.change({ type: 'userAdd', name: 'cert', password: undefined }));

    expect(await refusal(node.m.auth.authenticate('ann', 'wrong'))).toBe('AUTHENTICATION_FAILED');
    expect(await refusal(node.m.auth.authenticate('ghost', 'wrong'))).toBe('AUTHENTICATION_FAILED');
    expect(await refusal(node.m.auth.authenticate('cert', 'wrong'))).toBe('NO_PASSWORD_USER');
    expect(await refusal(node.m.auth.authenticate('ann', 'x'.repeat(1_025)))).toBe('INVALID_ARGUMENT');
    await until(node.m.auth.change({ type: 'disable' }));
    expect(await refusal(node.m.auth.authenticate('ann', "ann's"))).toBe('AUTH_NOT_ENABLED');
  });

  test('that was changed while it was checked is checked anew', async () => {
    const node = await started(1);
    const early = node.m.auth.authenticate('ann', "ann's");
    const changed = node.m.auth.change({ type: 'userPassword', name: 'ann', password: 'new' });

    expect(await refusal(early)).toMatch(/AUTHENTICATION_FAILED|done/);
    await until(changed);
    expect(await refusal(node.m.auth.authenticate('ann', "ann's"))).toBe('AUTHENTICATION_FAILED');
    expect(await refusal(node.m.auth.authenticate('ann', 'new'))).toBe('done');
  });
});

describe('a certificate', () => {
  test('names a user where there is no token', async () => {
    const node = await started(1);
    const ann = await as(node, { commonName: 'ann' });
    const ghost = await as(node, { commonName: 'ghost' });

    expect(await refusal(ann.put(put('a/1', '')))).toBe('done');
    expect(await refusal(ann.put(put('b/1', '')))).toBe('PERMISSION_DENIED');
    expect(await refusal(ghost.put(put('a/1', '')))).toBe('PERMISSION_DENIED');
    await expect(as(node, { token: 'forged.1', commonName: 'ann' })).rejects.toMatchObject({
      code: 'INVALID_AUTH_TOKEN',
    });
  });
});

describe('a watch', () => {
  test('to which the right is taken away is told so at once, and nothing of what is written then', async () => {
    const node = await started(1);
    const ann = await as(node, { token: await login(node, 'ann') });
    let wakes = 0;
    const watcher = ann.watch({ target: prefix('a/') }, () => (wakes += 1));
    await until(node.m.put(put('a/1', '')));
    expect(watcher.take()).toMatchObject({ type: 'batch' });
    const before = wakes;
    const change = node.m.auth.change({ type: 'roleRevoke', role: 'r', range: prefix('a/') });
    const secret = node.m.put(put('a/secret', ''));
    await until(Promise.all([change, secret]));

    expect(wakes).toBe(before + 1);
    expect(watcher.take()).toMatchObject({ type: 'denied', error: { code: 'PERMISSION_DENIED' } });
  });

  test('of a client without a name ends when one is asked for', async () => {
    cluster = await TestCluster.started({ size: 1 });
    const [node] = cluster.nodes as [TestNode];
    const nobody = await as(node, {});
    const watcher = nobody.watch({ target: key('b') }, () => undefined);
    expect(watcher.take()).toBeUndefined();
    await enable(node);

    expect(watcher.take()).toMatchObject({ type: 'denied', error: { code: 'USER_NAME_EMPTY' } });
    expect(() => nobody.watch({ target: key('b') }, () => undefined)).toThrow(
      expect.objectContaining({ code: 'USER_NAME_EMPTY' }),
    );
  });

  test('goes on while it is allowed, whatever else changes', async () => {
    const node = await started(1);
    const ann = await as(node, { token: await login(node, 'ann') });
    const watcher = ann.watch({ target: prefix('a/') }, () => undefined);
    await until(node.m.auth.change({ type: 'userAdd', name: 'bob', password: 'b' }));
    await until(node.m.auth.change({ type: 'roleGrant', role: 'r', permission: { ...key('x'), access: 'read' } }));
    await until(node.m.put(put('a/1', '')));

    expect(watcher.take()).toMatchObject({ type: 'batch' });
  });
});

test('whoever has the member itself is trusted with everything', async () => {
  const node = await started(1);

  expect(await refusal(node.m.put(put('b/1', '')))).toBe('done');
  expect(await refusal(node.m.auth.users())).toBe('done');
  expect(await refusal(node.m.compact(2, false))).toBe('done');
});

test('the same caller is answered by the same, so that nothing is put together anew for every call', async () => {
  const node = await started(1);
  const token = await login(node, 'ann');
  const callers: GuardedMember[] = [await as(node, { token }), await as(node, { token })];

  expect(callers[0]).toBe(callers[1]);
  expect(await as(node, {})).toBe(await as(node, {}));
});

/**
 * etcd3, a client of Node's for etcd that many services use, with all it can do: against a member of Conclave, and against
 * a real etcd where one is on the PATH, so that what differs is ours and not the client's.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Etcd3, type IKeyValue, type Lease, Range, type Watcher } from 'etcd3';
import { open } from '../../embedded/open.js';
import { findEtcd, startEtcd } from '../etcd-process.js';

/** A server, on one address for as long as it is used. */
interface Target {
  readonly url: string;
  restart(): Promise<void>;
  stop(): Promise<unknown>;
}

const TARGETS: Record<string, () => Promise<Target>> = {
  'a member of Conclave': startMember,
  etcd: startEtcd,
};

for (const [name, start] of Object.entries(TARGETS)) {
  if (name === 'etcd' && !findEtcd()) {
    test.skip('etcd: skipped, because no etcd binary is on the PATH', () => {});
    continue;
  }
  describe(`etcd3 with ${name}`, () => everythingOfEtcd3(start));
}

async function startMember(): Promise<Target> {
  const dataDir = await mkdtemp(join(tmpdir(), 'conclave-etcd3-'));
  let server = await open({ dataDir }, { listen: 'http://127.0.0.1:0' });
  const url = server.clientUrl!;
  const restart = async () => {
    await server.close();
    server = await open({ dataDir }, { listen: url });
  };
  // It tells others a port that it was given, not one that it found.
  await restart();
  return {
    url,
    restart,
    stop: async () => {
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function everythingOfEtcd3(start: () => Promise<Target>): void {
  let target: Target;
  let client: Etcd3;
  beforeAll(async () => {
    target = await start();
    client = new Etcd3({ hosts: target.url });
  }, 60_000);
  afterAll(async () => {
    client.close();
    await target.stop();
  }, 30_000);
  beforeEach(async () => {
    await client.delete().all();
  });

  describe('keys', () => {
    test('are put and read as text, numbers, JSON and bytes', async () => {
      await client.put('text').value('hällo');
      await client.put('number').value(42);
      await client.put('json').value(JSON.stringify({ a: [1] }));
      await client.put('bytes').value(Buffer.of(0, 255));

      expect(await client.get('text')).toBe('hällo');
      expect(await client.get('number').number()).toBe(42);
      expect(await client.get('json').json()).toEqual({ a: [1] });
      expect(await client.get('bytes').buffer()).toEqual(Buffer.of(0, 255));
      expect(await client.get('none')).toBeNull();
      expect(await client.get('none').exists()).toBe(false);
      expect(await client.get('text').exists()).toBe(true);
    });

    test('are read in ranges: limited, sorted, counted, filtered by revision, at an old one', async () => {
      const revisions: string[] = [];
      for (const name of ['b', 'a', 'c']) revisions.push((await client.put(`p/${name}`).value(name)).header.revision);
      await client.put('q').value('beside');

      expect(await client.getAll().prefix('p/').strings()).toEqual({ 'p/a': 'a', 'p/b': 'b', 'p/c': 'c' });
      expect(await client.getAll().prefix('p/').keys()).toEqual(['p/a', 'p/b', 'p/c']);
      expect(await client.getAll().prefix('p/').sort('Create', 'Descend').limit(2).keys()).toEqual(['p/c', 'p/a']);
      expect(await client.getAll().prefix('p/').count()).toBe(3);
      expect(await client.getAll().all().count()).toBe(4);
      expect(await client.getAll().inRange({ start: 'p/b', end: 'q' }).keys()).toEqual(['p/b', 'p/c']);
      expect(await client.getAll().prefix('p/').minCreateRevision(revisions[1]!).keys()).toEqual(['p/a', 'p/c']);
      expect(await client.getAll().prefix('p/').revision(revisions[1]!).keys()).toEqual(['p/a', 'p/b']);
      expect(await client.getAll().prefix('p/').serializable(true).count()).toBe(3);
    });

    test('tell what was before, are touched without changing, and are deleted one, some or all', async () => {
      await client.put('a').value('1');
      const previous = await client.put('a').value('2').getPrevious();
      await client.put('a').touch();
      await client.put('b').value('1');

      expect(previous).toMatchObject({ version: '1', lease: '0' });
      expect(previous.value.toString()).toBe('1');
      expect((await client.get('a').exec()).kvs[0]).toMatchObject({ version: '3' });
      expect(await client.get('a')).toBe('2');
      expect((await client.delete().key('a').getPrevious()).map(textOf)).toEqual(['a=2']);
      expect((await client.delete().range(new Range('a', 'z'))).deleted).toBe('1');
      expect((await client.delete().all()).deleted).toBe('0');
    });

    test.each([
      [
        'an empty key',
        (c: Etcd3) => c.put('').value('x'),
        'GRPCInvalidArgumentError',
        'etcdserver: key is not provided',
      ],
      [
        'a lease that does not exist',
        (c: Etcd3) => c.put('a').value('x').lease('4711'),
        'EtcdLeaseInvalidError',
        'etcdserver: requested lease not found',
      ],
      [
        'a revision to come',
        (c: Etcd3) => c.get('a').revision(1_000_000),
        'GRPCOutOfRangeError',
        'etcdserver: mvcc: required revision is a future revision',
      ],
      [
        'a key twice in one transaction',
        (c: Etcd3) => c.if('a', 'Version', '==', 0).then(c.put('a').value(1), c.put('a').value(2)).commit(),
        'GRPCInvalidArgumentError',
        'etcdserver: duplicate key given in txn request',
      ],
    ])('%s is refused as this client knows it', async (_, call, type, text) => {
      const error = await Promise.resolve(call(client)).then(
        () => undefined,
        (thrown: unknown) => thrown as Error,
      );
      expect(error?.message).toContain(text);
      expect(error?.constructor.name).toBe(type);
    });
  });

  describe('transactions', () => {
    test('take one branch or the other, by every kind of condition', async () => {
      const { header } = await client.put('a').value('1');
      const tried = await Promise.all(
        [
          client.if('a', 'Value', '==', '1'),
          client.if('a', 'Value', '!=', '1'),
          client.if('a', 'Version', '>', 0).and('none', 'Create', '==', 0),
          client.if('a', 'Mod', '<', header.revision),
          client.if('a', 'Lease', '==', 0),
        ].map((builder, i) =>
          builder
            .then(client.put(`then/${i}`).value(''))
            .else(client.get('a'))
            .commit(),
        ),
      );

      expect(tried.map(({ succeeded }) => succeeded)).toEqual([true, false, true, false, true]);
      expect(tried[1]!.responses[0]!.response_range.kvs.map(textOf)).toEqual(['a=1']);
      expect(await client.getAll().prefix('then/').keys()).toEqual(['then/0', 'then/2', 'then/4']);
    });

    test('in software: what was read stays as it was, or all is tried again', async () => {
      await client.put('balance').value(0);
      let tries = 0;
      await Promise.all(
        Array.from({ length: 4 }, () =>
          client.stm({ retries: 50 }).transact(async (tx) => {
            tries += 1;
            const balance = (await tx.get('balance').number()) ?? 0;
            await tx.put('balance').value(balance + 1);
          }),
        ),
      );

      expect(await client.get('balance').number()).toBe(4);
      expect(tries).toBeGreaterThanOrEqual(4);
    });
  });

  describe('watches', () => {
    test('deliver puts and deletions, with what was before, or only some of them', async () => {
      const all = await client.watch().prefix('w/').withPreviousKV().create();
      const deletions = await client.watch().prefix('w/').only('delete').create();
      const seen = record(all);
      const seenDeletions = record(deletions);
      await client.put('w/a').value('1');
      await client.put('w/a').value('2');
      await client.put('x').value('beside');
      await client.delete().key('w/a');

      await until(() => seen.length === 3 && seenDeletions.length === 1);
      expect(seen).toEqual(['put w/a=1', 'put w/a=2 before 1', 'delete w/a= before 2']);
      expect(seenDeletions).toEqual(['delete w/a=']);
      await all.cancel();
      await deletions.cancel();
    });

    test('begin in the past, and end where it was compacted away', async () => {
      const { header } = await client.put('h').value('1');
      await client.put('h').value('2');
      const watcher = await client.watch().key('h').startRevision(header.revision).create();
      const seen = record(watcher);
      await until(() => seen.length === 2);
      expect(seen).toEqual(['put h=1', 'put h=2']);
      await watcher.cancel();

      const { header: last } = await client.put('h').value('3');
      await client.kv.compact({ revision: last.revision, physical: true });
      const compacted = client.watch().key('h').startRevision(header.revision).watcher();
      const [error] = (await once(compacted, 'error')) as [Error];
      expect(error.message).toMatch(/canceled/);
    });

    test('go on without a gap after the server was gone', async () => {
      const watcher = await client.watch().prefix('r/').create();
      const seen = record(watcher);
      await client.put('r/a').value('1');
      await until(() => seen.length === 1);

      await target.restart();
      const writer = new Etcd3({ hosts: target.url });
      await again(() => writer.put('r/a').value('2').exec());
      await again(() => writer.put('r/b').value('3').exec());

      await until(() => seen.length >= 3);
      expect([...new Set(seen)]).toEqual(['put r/a=1', 'put r/a=2', 'put r/b=3']);
      writer.close();
      await watcher.cancel();
    }, 30_000);
  });

  describe('leases', () => {
    test('carry keys, are renewed by themselves, and take their keys along when they are revoked', async () => {
      const lease = client.lease(3);
      await lease.put('leased').value('1');
      await once(lease, 'keepaliveSucceeded');
      const id = await lease.grant();
      const ttl = await client.leaseClient.leaseTimeToLive({ ID: id, keys: true });

      await client.put('leased').value('2').ignoreLease();
      await client.put('also').value('1').lease(id);
      expect((await client.get('leased').exec()).kvs[0]).toMatchObject({ lease: id, version: '2' });
      expect(ttl).toMatchObject({ ID: id, grantedTTL: '3' });
      expect(ttl.keys.map(String)).toEqual(['leased']);
      expect((await client.leaseClient.leaseLeases()).leases.map(({ ID }) => ID)).toContain(id);
      await lease.revoke();
      expect(lease.revoked()).toBe(true);
      expect(await client.getAll().all().keys()).toEqual([]);
    }, 20_000);

    test('say that they are lost once somebody else has revoked them', async () => {
      const lease = client.lease(3, { autoKeepAlive: false });
      const id = await lease.grant();
      expect((await lease.keepaliveOnce()).TTL).toBe('3');

      await client.leaseClient.leaseRevoke({ ID: id });

      await expect(lease.keepaliveOnce()).rejects.toThrow(/lease/i);
      await expect(lease.put('a').value('x')).rejects.toThrow(/lease/i);
    });

    test('end by themselves where nobody renews them', async () => {
      const lease = client.lease(2, { autoKeepAlive: false });
      await lease.put('short').value('1');
      const gone = await client.watch().key('short').only('delete').create();
      const seen = record(gone);

      await until(() => seen.length === 1, 12_000);

      expect(await client.get('short')).toBeNull();
      await gone.cancel();
      released(lease);
    }, 20_000);
  });

  describe('locks and elections', () => {
    test('one holds a lock at a time, and the next one gets it when it is released', async () => {
      const held = await client.lock('lock').ttl(10).acquire();
      await expect(client.lock('lock').ttl(10).acquire()).rejects.toThrow(/lock/i);
      await held.release();

      expect(
        await client
          .lock('lock')
          .ttl(10)
          .do(() => client.getAll().prefix('lock').count()),
      ).toBe(1);
      expect(await client.get('lock')).toBeNull();
    });

    test('one leads at a time, is observed, proclaims anew, and hands over when it resigns', async () => {
      const election = client.election('e', 10);
      const first = election.campaign('one');
      await first.wait();
      const second = election.campaign('two');
      const observer = await election.observe();
      const seen: (string | undefined)[] = [observer.leader()];
      observer.on('change', (value) => seen.push(value));

      await first.proclaim('one again');
      await until(() => seen.includes('one again'));
      expect(await election.leader()).toBe('one again');
      await first.resign();
      await second.wait();
      await until(() => seen.at(-1) === 'two');

      expect(seen.filter((value, i) => value !== undefined && value !== seen[i - 1])).toEqual([
        'one',
        'one again',
        'two',
      ]);
      await observer.cancel();
      await second.resign();
    }, 20_000);
  });

  test('namespaces keep to themselves, with their watches and leases', async () => {
    const team = client.namespace('team/');
    const watcher = await team.watch().prefix('').create();
    const seen = record(watcher);
    await client.put('beside').value('x');
    await team.put('a').value('1');
    await team.lock('lock').do(() => undefined);

    await until(() => seen.length >= 3);
    expect(seen[0]).toBe('put a=1');
    expect(await team.getAll().all().keys()).toEqual(['a']);
    expect(await client.getAll().all().keys()).toEqual(['beside', 'team/a']);
    expect((await team.delete().all()).deleted).toBe('1');
    expect(await client.getAll().all().keys()).toEqual(['beside']);
    await watcher.cancel();
  });

  test('maintenance and the list of members answer', async () => {
    await client.put('a').value('1');
    const status = await client.maintenance.status();
    const { members } = await client.cluster.memberList({});
    const { alarms } = await client.maintenance.alarm({ action: 'GET' as never });
    const snapshot = await client.maintenance.snapshot();
    const [part] = (await once(snapshot as never, 'data')) as [{ blob: Buffer }];
    await client.maintenance.defragment();

    expect(status.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(BigInt(status.leader)).toBe(BigInt(status.header.member_id));
    expect(Number(status.dbSize)).toBeGreaterThan(0);
    expect(members.map(({ ID }) => ID)).toEqual([status.header.member_id]);
    expect(members[0]!.clientURLs).toEqual([target.url]);
    expect(alarms).toEqual([]);
    expect(part.blob.length).toBeGreaterThan(0);
    expect(Number((await client.maintenance.hash()).hash)).toBeGreaterThan(0);
  });

  test('users, roles and their rights hold, for who says who it is', async () => {
    await client.role('root').create();
    await client.user('root').create('secret');
    await client.user('root').addRole('root');
    const role = await client.role('reader').create();
    await role.grant([{ permission: 'Read', range: Range.prefix('public/') }]);
    const user = await client.user('ann').create('password');
    await user.addRole(role);
    await client.put('public/a').value('1');
    await client.put('private').value('2');
    await client.auth.authEnable();

    const as = (username: string, password: string) => new Etcd3({ hosts: target.url, auth: { username, password } });
    const [root, ann, wrong] = [as('root', 'secret'), as('ann', 'password'), as('ann', 'guess')];
    try {
      expect(await ann.get('public/a')).toBe('1');
      await expect(ann.get('private').string()).rejects.toThrow(/permission denied/);
      await expect(ann.put('public/a').value('x').exec()).rejects.toThrow(/permission denied/);
      await expect(wrong.get('public/a').string()).rejects.toThrow(/authentication failed/);
      await expect(client.get('public/a').string()).rejects.toThrow(/user name is empty/);
      expect((await root.getUsers()).map(({ name }) => name)).toEqual(['ann', 'root']);
      expect((await root.getRoles()).map(({ name }) => name)).toEqual(['reader', 'root']);
      expect((await root.role('reader').permissions())[0]).toMatchObject({ permission: 'Read' });
      await root.user('ann').setPassword('another');
      await root.user('ann').removeRole('reader');
      await expect(as('ann', 'another').get('public/a').string()).rejects.toThrow(/permission denied/);
    } finally {
      await root.auth.authDisable();
      for (const each of [root, ann, wrong]) each.close();
    }
    await client.user('ann').delete();
    await client.role('reader').delete();
    expect(await client.get('private')).toBe('2');
  }, 20_000);
}

function textOf({ key, value }: IKeyValue): string {
  return `${key.toString()}=${value.toString()}`;
}

/** What a watcher delivers, as it comes. */
function record(watcher: Watcher): string[] {
  const seen: string[] = [];
  const add = (type: string) => (kv: IKeyValue, previous?: IKeyValue | null) =>
    seen.push(`${type} ${textOf(kv)}${previous ? ` before ${previous.value.toString()}` : ''}`);
  watcher.on('put', add('put')).on('delete', add('delete'));
  return seen;
}

async function until(condition: () => boolean, atMostMs = 8_000): Promise<void> {
  const deadlineMs = performance.now() + atMostMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`it did not come about within ${atMostMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A server that has just come back may still be looking for its leader. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function released(lease: Lease): void {
  lease.release();
}

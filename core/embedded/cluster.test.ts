/** A store whose members are embedded in the replicas of a service; here, all of them in one process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { freePorts } from '../testing/cluster/free-ports.js';
import type { EmbeddedStore } from './embedded-store.js';
import { open, type OpenOptions } from './open.js';

const NAMES = ['a', 'b', 'c'] as const;
/** Quick to elect, for nothing here tests patience. */
const QUICK = { heartbeatMs: 50, electionTimeoutMs: 300 };

let folder: string;
let peers: Record<string, string>;
const opened = new Map<string, EmbeddedStore>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-embedded-'));
  const ports = await freePorts(NAMES.length);
  peers = Object.fromEntries(NAMES.map((name, i) => [name, `http://127.0.0.1:${ports[i]}`]));
});
afterEach(async () => {
  await Promise.all([...opened.values()].map((store) => store.close()));
  opened.clear();
  await rm(folder, { recursive: true, force: true });
});

async function start(name: string, options: OpenOptions = {}): Promise<EmbeddedStore> {
  const store = await open({ dataDir: join(folder, name) }, { name, peers, ...QUICK, ...options });
  opened.set(name, store);
  return store;
}

const startAll = () => Promise.all(NAMES.map((name) => start(name)));

const leaderOf = (stores: readonly EmbeddedStore[]) =>
  stores.find((store) => store.status().leader === store.status().memberId) as EmbeddedStore;

describe('three embedded members', () => {
  test('are one store, whichever is asked', async () => {
    const [a, b, c] = (await startAll()) as [EmbeddedStore, EmbeddedStore, EmbeddedStore];
    const { revision } = await a.put('greeting', 'from a');
    await b.put('greeting', 'from b');

    expect(toText((await c.get('greeting'))?.value as Uint8Array)).toBe('from b');
    expect((await a.get('greeting'))?.modRevision).toBe(revision + 1);
    expect(new Set([a, b, c].map((store) => store.status().leader)).size).toBe(1);
  });

  test('go on when the leader is closed, and take it back', async () => {
    const stores = await startAll();
    const leader = leaderOf(stores);
    const [name] = [...opened].find(([, store]) => store === leader) as [string, EmbeddedStore];
    const rest = stores.filter((store) => store !== leader);
    await leader.put('before', '1');
    await leader.close();
    opened.delete(name);

    await rest[0]?.put('after', '2');
    const back = await start(name);

    expect((await back.range({ key: Buffer.from('a'), end: Buffer.from('z') })).count).toBe(2);
    expect(leaderOf([...rest, back])).toBeDefined();
  });

  test('hold what they were given across a restart of all of them', async () => {
    for (const store of await startAll()) await store.put(`from/${store.status().memberId}`, 'x');
    await Promise.all([...opened.values()].map((store) => store.close()));

    const [a] = (await startAll()) as [EmbeddedStore];

    expect((await a.range({ key: Buffer.from('from/'), end: Buffer.from('from0') })).count).toBe(3);
  });
});

describe('a member that is embedded', () => {
  test('in memory cannot have peers: it would forget its votes', async () => {
    await expect(open({ memory: true }, { name: 'a', peers })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'peers',
    });
  });

  test('alone may listen for others, and is a cluster of one until they come', async () => {
    const store = await start('a', { peers: { a: peers['a'] as string } });
    await store.put('k', 'v');

    expect(store.status()).toMatchObject({ leader: store.status().memberId, isLearner: false });
  });
});

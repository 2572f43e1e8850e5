/** Rate limits and quotas for prefixes, as whoever uses a member meets them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { turn } from '../base/clock.js';
import { prefix } from '../base/key-range.js';
import { systemClock } from '../base/system-clock.js';
import { connectGrpc } from '../client/grpc-store.js';
import { EmbeddedStore } from '../embedded/embedded-store.js';
import type { Store } from '../store.js';
import { ManualClock } from '../testing/manual-clock.js';
import { put as putting } from '../txn.js';
import { type RunningMember, type StartOptions, startMember } from './start-member.js';

let running: RunningMember;
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(options: StartOptions): Promise<void> {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', ...options });
  closing.push(() => running.close());
}

async function client(options: object = {}): Promise<Store> {
  const { hostname: host, port } = new URL(running.clientUrl as string);
  const store = await connectGrpc([{ host, port: Number(port) }], options);
  closing.push(() => store.close());
  return store;
}

function embedded(): EmbeddedStore {
  return new EmbeddedStore(running, { watchProgressMs: 1_000 });
}

async function overHttp(path: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${running.clientUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

const put = ({ member }: RunningMember, key: string) =>
  member.put({ type: 'put', key: Buffer.from(key), value: Buffer.from('v') });
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a rate limit', () => {
  const RULE = { prefix: 'jobs/', perSecond: 1, burst: 2, of: 'writes' } as const;

  test('refuses what comes too fast, over gRPC, HTTP and embedded; nothing is done', async () => {
    await open({ rateLimits: [RULE], clock: new ManualClock() });
    const store = await client({ retriesMax: 0 });
    await store.put('jobs/1', 'a');
    await store.put('jobs/2', 'a');

    const told = { code: 'RATE_LIMITED', prefix: 'jobs/', perSecond: 1, of: 'writes', retryAfterMs: 1_000 };
    await expect(store.put('jobs/3', 'a')).rejects.toMatchObject(told);
    await expect(embedded().put('jobs/3', 'a')).rejects.toMatchObject(told);
    await expect(store.delete('jobs/1')).rejects.toMatchObject(told);
    await expect(store.txn().do(putting('jobs/3', 'a')).commit()).rejects.toMatchObject(told);
    expect(await overHttp('/v3/kv/put', { key: base64('jobs/3'), value: base64('a') })).toMatchObject({
      status: 429,
      body: { code: 8, message: 'too many writes under "jobs/": 1 a second are taken; try again in 1000 ms' },
    });
    expect((await store.range(prefix('jobs/'))).kvs.map(({ key }) => toText(key))).toEqual(['jobs/1', 'jobs/2']);
    expect(running.member.measures.limitRefusals).toEqual({ rate: 5, quota: 0 });
  });

  test('is waited out by the client, which then is answered', async () => {
    await open({ rateLimits: [{ ...RULE, perSecond: 50, burst: 1 }] });
    const store = await client();
    const beginMs = systemClock.now();

    for (let time = 0; time < 6; time += 1) await store.put('jobs/1', String(time));

    expect(systemClock.now() - beginMs).toBeGreaterThanOrEqual(5 * 20 - 5);
    expect((await store.get('jobs/1'))?.version).toBe(6);
  });

  test('tells at once whoever would have to come back too late', async () => {
    await open({ rateLimits: [{ ...RULE, burst: 1 }] });
    const store = await client({ retryTimeoutMs: 500 });
    await store.put('jobs/1', 'a');

    await expect(store.put('jobs/1', 'b')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  test('leaves leases alone, and health, whatever is used up', async () => {
    await open({ rateLimits: [{ prefix: '', perSecond: 1, burst: 1 }], clock: new ManualClock() });
    const { member } = running;
    const { id } = await member.leaseGrant(0n, 100);
    await member.put({ type: 'put', key: Buffer.from('k'), value: Buffer.from('v'), lease: id });

    for (let time = 0; time < 10; time += 1) expect((await member.leaseKeepAlive(id)).ttlSeconds).toBe(100);
    await expect(embedded().get('k')).rejects.toMatchObject({ code: 'RATE_LIMITED', of: 'all' });
    expect((await fetch(`${running.clientUrl}/health`)).status).toBe(200);
    await member.leaseRevoke(id);
    expect((await member.leases()).ids).toEqual([]);
  });
});

describe('a quota of a prefix', () => {
  test('refuses what there is no room for, over gRPC, HTTP and embedded, until something is deleted or a lease ends', async () => {
    await open({ prefixQuotas: [{ prefix: 'jobs/', keysMax: 2, bytesMax: 1_000 }] });
    const store = await client();
    const { id } = await running.member.leaseGrant(0n, 100);
    await store.put('jobs/1', 'a');
    await store.put('jobs/2', 'a', { lease: id });

    const told = { code: 'PREFIX_QUOTA_EXCEEDED', retry: 'never', prefix: 'jobs/', unit: 'keys', used: 2, limit: 2 };
    await expect(store.put('jobs/3', 'a')).rejects.toMatchObject(told);
    await expect(embedded().put('jobs/3', 'a')).rejects.toMatchObject(told);
    await expect(store.put('jobs/1', 'x'.repeat(1_000))).rejects.toMatchObject({ unit: 'bytes', limit: 1_000 });
    expect(await overHttp('/v3/kv/put', { key: base64('jobs/3'), value: base64('a') })).toMatchObject({
      status: 429,
      body: { code: 8, message: 'no room under "jobs/": 2 of at most 2 keys are used' },
    });
    expect(running.member.measures.limitRefusals).toEqual({ rate: 0, quota: 4 });

    await store.delete('jobs/1');
    await store.put('jobs/3', 'a');
    await running.member.leaseRevoke(id);
    await store.put('jobs/4', 'a');
    await expect(store.put('jobs/5', 'a')).rejects.toMatchObject(told);
  });
});

test('a member that is started again counts what is there before it refuses', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'conclave-limits-'));
  closing.push(async () => rmSync(dataDir, { recursive: true }));
  const first = await startMember({ dataDir });
  for (const key of ['jobs/1', 'jobs/2', 'other']) await put(first, key);
  await first.close();

  const again = await startMember({ dataDir }, { prefixQuotas: [{ prefix: 'jobs/', keysMax: 2 }] });
  closing.push(() => again.close());
  await turn(systemClock);
  await turn(systemClock);

  await expect(put(again, 'jobs/3')).rejects.toMatchObject({ code: 'PREFIX_QUOTA_EXCEEDED', used: 2 });
  await again.member.delete({ type: 'delete', key: Buffer.from('jobs/1') });
  await put(again, 'jobs/3');
});

describe('a rule', () => {
  const rate = { prefix: 'a', perSecond: 1 };
  test.each<[StartOptions, string]>([
    [
      { rateLimits: [{ ...rate, perSecond: 0 }] },
      'rateLimits.0.perSecond is 0; it must be a whole number from 1 to 1000000',
    ],
    [{ rateLimits: [{ ...rate, burst: 1.5 }] }, 'rateLimits.0.burst is 1.5'],
    [
      { rateLimits: [{ ...rate, of: 'none' as never }] },
      'rateLimits.0.of is "none"; it must be one of writes, reads, all',
    ],
    [{ rateLimits: [rate, { ...rate, of: 'reads' }, rate] }, 'rateLimits.2.prefix is "a"; it must be told once'],
    [{ rateLimits: [{ perSecond: 1 } as never] }, 'rateLimits.0.prefix is undefined'],
    [{ rateLimits: Array.from({ length: 65 }, (_, at) => ({ ...rate, prefix: `${at}` })) }, 'at most 64'],
    [
      { prefixQuotas: [{ prefix: 'a' }] },
      'prefixQuotas.0.keysMax is undefined; it must be given, or bytesMax, or both',
    ],
    [{ prefixQuotas: [{ prefix: 'a', bytesMax: -1 }] }, 'prefixQuotas.0.bytesMax is -1'],
    [{ prefixQuotas: 'a' as never }, 'prefixQuotas is "a"; it must be a list of rules'],
  ])('that is wrong is refused with what it must be', async (options, text) => {
    await expect(startMember({ memory: true }, options)).rejects.toThrow(text);
  });
});

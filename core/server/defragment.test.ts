import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { everything, key, prefix } from '../base/key-range.js';
import { toBytes } from '../base/bytes.js';
import { put, remove, get } from '../txn.js';
import { type RunningMember, type StartOptions, startMember } from './start-member.js';

let dataDir: string;
let running: RunningMember | undefined;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'conclave-defragment-'));
});

afterEach(async () => {
  await running?.close();
  await rm(dataDir, { recursive: true });
});

async function start(options: StartOptions = {}): Promise<RunningMember['member']> {
  running = await startMember({ dataDir }, options);
  return running.member;
}

const VALUE = 'x'.repeat(20_000);

/** Writes a few MiB, deletes them, and has them forgotten, so that the engine has much room in which nothing is. */
async function fragment({ member }: RunningMember, keyCount = 100): Promise<void> {
  await Promise.all(Array.from({ length: keyCount }, (_, at) => member.put(put(`k${at}`, VALUE))));
  await member.delete(remove(prefix('k')));
  await member.compact(member.revision, true);
}

describe('a member that is defragmented', () => {
  test('answers reads and writes, tells watchers and keeps leases meanwhile, and takes less room afterwards', async () => {
    const member = await start();
    await fragment(running as RunningMember);
    await member.leaseGrant(7n, 60);
    await member.put({ ...put('leased', '1'), lease: 7n });
    const seen: string[] = [];
    const watcher = member.watch({ target: prefix('w/') }, () => {
      for (let taken = watcher.take(); taken?.type === 'batch'; taken = watcher.take())
        for (const { kv } of taken.batch.events) seen.push(toText(kv.key));
    });
    const before = member.status();
    let isDone = false;
    const done = member.defragment().then(() => (isDone = true));

    const written: string[] = [];
    let writtenMeanwhile = 0;
    for (; writtenMeanwhile < 20 || !isDone; writtenMeanwhile += isDone ? 20 : 1) {
      const name = `w/${written.length}`;
      written.push(name);
      await member.put(put(name, 'v'));
      expect((await member.range(get(key(name)))).kvs).toHaveLength(1);
      expect((await member.leaseKeepAlive(7n)).ttlSeconds).toBe(60);
    }
    await done;

    const after = member.status();
    expect(after.sizeBytes).toBeLessThan(before.sizeBytes / 4);
    expect(after.usedBytes).toBeLessThanOrEqual(after.sizeBytes);
    expect(seen).toEqual(written);
    expect(await readdir(dataDir)).not.toContain('db.compacting');
    await running?.close();

    const again = await start();
    const { kvs } = await again.range(get(everything()));
    expect(kvs.map((kv) => toText(kv.key))).toEqual(['leased', ...written].sort());
    expect((await again.leases()).ids).toEqual([7n]);
    await again.leaseRevoke(7n);
    expect((await again.range(get(key('leased')))).kvs).toEqual([]);
  });

  test('lets a backup that was begun before go on to its end', async () => {
    const member = await start();
    await fragment(running as RunningMember, 50);
    await member.put(put('a', '1'));
    const snapshot = member.snapshot();

    await member.defragment();
    await member.put(put('b', '2'));

    let bytes = 0;
    for await (const chunk of snapshot.chunks()) bytes += chunk.length;
    snapshot.close();
    expect(bytes).toBeGreaterThan(100);
  });

  test('gives it up when it is closed, and is found whole', async () => {
    const member = await start();
    await fragment(running as RunningMember, 100);
    await member.put(put('a', '1'));
    const done = member.defragment().catch((error: unknown) => error);

    await running?.close();

    expect(await done).toMatchObject({ code: 'CLOSED' });
    await expect(member.defragment()).rejects.toMatchObject({ code: 'CLOSED' });
    const again = await start();
    expect(await readdir(dataDir)).not.toContain('db.compacting');
    expect((await again.range(get(key('a')))).kvs.map((kv) => kv.value)).toEqual([toBytes('1')]);
  });

  test('has nothing to do where all is in memory', async () => {
    running = await startMember({ memory: true });
    await running.member.put(put('a', '1'));

    await running.member.defragment();

    expect((await running.member.range(get(everything()))).count).toBe(1);
  });
});

import { cp, mkdtemp, open as openFile, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { everything } from '../base/key-range.js';
import type { Member } from '../member/member.js';
import { type RunningMember, startMember, type StartOptions } from './start-member.js';

let folder: string;
let dataDir: string;
const running: RunningMember[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-member-'));
  dataDir = join(folder, 'data');
});
afterEach(async () => {
  for (const started of running.splice(0)) await started.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: StartOptions = {}, where = dataDir): Promise<RunningMember> {
  const started = await startMember({ dataDir: where }, options);
  running.push(started);
  return started;
}

async function put(member: Member, key: string, value: string): Promise<void> {
  await member.put({ type: 'put', key: toBytes(key), value: toBytes(value) });
}

async function contentOf(member: Member): Promise<Record<string, string>> {
  const { kvs } = await member.range({ type: 'range', ...everything() });
  return Object.fromEntries(kvs.map((kv) => [toText(kv.key), toText(kv.value)]));
}

describe('a member in a folder', () => {
  test('is the same after a restart: who it is, what it knows, where it stands', async () => {
    const first = await start();
    const { clusterId, memberId } = first.member;
    for (let i = 0; i < 50; i += 1) await put(first.member, `key/${i % 10}`, String(i));
    const { id } = await first.member.leaseGrant(0n, 60);
    const { revision } = first.member;
    const content = await contentOf(first.member);
    await first.close();

    const { member } = await start();

    expect(await contentOf(member)).toEqual(content);
    expect(member).toMatchObject({ clusterId, memberId, revision });
    expect((await member.leases()).ids).toEqual([id]);
  });

  test('knows what it acknowledged though it was never closed', async () => {
    const { member } = await start();
    for (let i = 0; i < 20; i += 1) await put(member, `key/${i}`, 'x');
    // What a killed process leaves behind: the files as they are.
    const copy = join(folder, 'copy');
    await cp(dataDir, copy, { recursive: true, filter: (path) => !path.includes('LOCK') });

    const second = await start({}, copy);

    expect(Object.keys(await contentOf(second.member))).toHaveLength(20);
  });

  test('lets go of log files that it no longer needs, and restarts from what is left', async () => {
    const options = { walSegmentBytes: 64 * 1024, logKeptBytes: 64 * 1024, logKeptEntries: 1_000_000 };
    const first = await start(options);
    const value = 'x'.repeat(10_000);
    for (let i = 0; i < 100; i += 1) await put(first.member, `key/${i}`, value);
    await first.close();
    expect((await readdir(join(dataDir, 'wal'))).length).toBeLessThan(8);

    const { member } = await start(options);

    expect(Object.keys(await contentOf(member))).toHaveLength(100);
    await put(member, 'more', '1');
  });

  test('is opened by one at a time, in this process too', async () => {
    await start();

    await expect(startMember({ dataDir })).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED', path: dataDir });
  });

  test('gives its folder free when it is closed, and when it could not be started', async () => {
    for (let i = 0; i < 2; i += 1) {
      await expect(startMember({ dataDir }, { listen: 'http://192.0.2.1:1' })).rejects.toThrow();
      await (await startMember({ dataDir })).close();
    }
  });

  test('says nothing unless a logger is given', async () => {
    const written: unknown[] = [];
    const [stdout, stderr] = [process.stdout.write, process.stderr.write];
    process.stdout.write = process.stderr.write = (text: unknown) => written.push(text) > 0;
    try {
      await (await startMember({ dataDir })).close();
    } finally {
      process.stdout.write = stdout;
      process.stderr.write = stderr;
    }

    expect(written).toEqual([]);
  });
});

describe('a damaged folder', () => {
  async function filled(): Promise<void> {
    const { member, close } = await startMember({ dataDir });
    for (let i = 0; i < 30; i += 1) await put(member, `key/${i}`, 'x'.repeat(100));
    await close();
  }

  test('whose log is damaged in the middle is refused with file and offset, and is left as it is', async () => {
    await filled();
    const [segment] = (await readdir(join(dataDir, 'wal'))) as [string];
    const path = join(dataDir, 'wal', segment);
    const file = await openFile(path, 'r+');
    await file.write(Buffer.from('spoilt'), 0, 6, 700);
    await file.close();
    const before = await readFile(path);

    await expect(startMember({ dataDir })).rejects.toMatchObject({ code: 'LOG_DAMAGED', file: path });
    expect((await readFile(path)).equals(before)).toBe(true);
  });

  test('whose log is gone is refused: the engine shows that there was one', async () => {
    await filled();
    await rm(join(dataDir, 'wal'), { recursive: true });

    await expect(startMember({ dataDir })).rejects.toMatchObject({
      code: 'LOG_DAMAGED',
      message: expect.stringContaining('there is no log'),
    });
  });

  test('whose engine is gone is made good from the log where the log has everything', async () => {
    await filled();
    await rm(join(dataDir, 'db'), { recursive: true });

    const { member } = await start();

    expect(Object.keys(await contentOf(member))).toHaveLength(30);
  });
});

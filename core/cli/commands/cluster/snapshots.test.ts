import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../../../base/bytes.js';
import { everything } from '../../../base/key-range.js';
import { FakeMember, FakeSnapshot } from '../../../rpc/testing/fake-member.js';
import { Servers } from '../../../rpc/testing/served.js';
import { type RunningMember, startMember } from '../../../server/start-member.js';
import { put } from '../../../txn.js';
import { runCommandLine } from '../../program.js';

const servers = new Servers();
const running: RunningMember[] = [];
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-snapshots-'));
  file = join(folder, 'backup');
});
afterEach(async () => {
  await servers.end();
  for (const member of running.splice(0)) await member.close();
  await rm(folder, { recursive: true });
});

async function run(...args: string[]) {
  let [out, err] = ['', ''];
  const code = await runCommandLine(args, {
    writeOut: (text) => void (out += text),
    writeErr: (text) => void (err += text),
    env: {},
  });
  return { code, out, err };
}

async function start(dataDir: string): Promise<RunningMember> {
  const member = await startMember({ dataDir: join(folder, dataDir) }, { listen: 'http://127.0.0.1:0' });
  running.push(member);
  return member;
}

/** A snapshot of a member that holds two keys. */
async function saved(): Promise<void> {
  const { member, clientUrl } = await start('first');
  await member.put(put('a', '1'));
  await member.put(put('b', '2'));
  expect(await run('snapshot', 'save', file, '--endpoints', clientUrl as string)).toEqual({
    code: 0,
    out: `Snapshot saved at ${file}\n`,
    err: '',
  });
}

describe('conclave snapshot', () => {
  test('saves what a member holds, tells what is in the file, and restores it to a member of a new cluster', async () => {
    await saved();
    const checksum = (await readFile(file)).subarray(-32).toString('hex');
    const size = (await readFile(file)).length;

    const simple = (await run('snapshot', 'status', file)).out;
    const json = JSON.parse((await run('snapshot', 'status', file, '-w', 'json')).out) as object;
    const table = (await run('snapshot', 'status', file, '-w', 'table')).out.split('\n');
    const restored = await run('snapshot', 'restore', file, '--data-dir', join(folder, 'second'));

    expect(simple).toMatch(new RegExp(`^${checksum}, 3, \\d+, ${size} B\n$`));
    expect(json).toMatchObject({ hash: checksum, revision: 3, totalSize: size });
    expect(table[1]).toMatch(/HASH .*\| REVISION \| TOTAL KEYS \| TOTAL SIZE \|$/);
    expect(restored.out).toMatch(/at revision 3, for member [0-9a-f]+ of cluster [0-9a-f]+\n$/);
    const { member } = await start('second');
    const { kvs } = await member.range({ type: 'range', ...everything() });
    expect(kvs.map((kv) => [toText(kv.key), toText(kv.value)])).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(restored.out).toContain(
      `member ${member.memberId.toString(16)} of cluster ${member.clusterId.toString(16)}`,
    );
  });

  test('restores to every member of a new cluster, each with an identity of its own in the same cluster', async () => {
    await saved();
    const cluster = 'a=http://127.0.0.1:1,b=http://127.0.0.1:2,c=http://127.0.0.1:3';
    const restore = (name: string, ...more: string[]) =>
      run('snapshot', 'restore', file, '--data-dir', join(folder, name), '--name', name, ...more);

    const outs = [
      (await restore('a', '--initial-cluster', cluster)).out,
      (await restore('b', '--initial-cluster', cluster, '--initial-advertise-peer-urls', 'http://127.0.0.1:2')).out,
      (await restore('c', '--initial-cluster', cluster, '--initial-cluster-token', 'other')).out,
    ];

    const [a, b, c] = outs.map((out) => /member (\S+) of cluster (\S+)\n$/.exec(out)?.slice(1)) as [string, string][];
    expect(a![1]).toBe(b![1]);
    expect(a![0]).not.toBe(b![0]);
    expect(c![1]).not.toBe(a![1]);
  });

  test.each([
    [['--name', 'd', '--initial-cluster', 'a=http://h:1'], '--name is "d"; it must be one of the names'],
    [['--initial-cluster', 'http://h:1'], '--initial-cluster is "http://h:1"'],
    [
      ['--name', 'a', '--initial-cluster', 'a=http://h:1', '--initial-advertise-peer-urls', 'http://h:2'],
      '--initial-advertise-peer-urls is "http://h:2"; it must be as in --initial-cluster for a: http://h:1',
    ],
  ])('refuses to restore with %j, and makes no folder', async (flags, word) => {
    await writeFile(file, '');

    const { code, err } = await run('snapshot', 'restore', file, '--data-dir', join(folder, 'd'), ...flags);

    expect(code).toBe(2);
    expect(err).toContain(word);
    expect(await readdir(folder)).toEqual(['backup']);
  });

  test('that is damaged is told so, and restored only where its hash does not matter', async () => {
    await saved();
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    const restore = ['snapshot', 'restore', file, '--data-dir', join(folder, 'second')];

    expect(await run('snapshot', 'status', file)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Error: the snapshot is damaged at byte \d+/) as unknown,
    });
    expect((await run(...restore)).code).toBe(1);
    expect((await run(...restore, '--skip-hash-check')).code).toBe(0);
  });

  test('that breaks off leaves no file behind, and keeps one that was there', async () => {
    await writeFile(file, 'the last good one');
    const member = new FakeMember();
    member.snapshot = () => new FakeSnapshot([Buffer.from('conclsnp'), Buffer.alloc(100)], 1_000);
    const { server } = await servers.serve(member);

    const { code, err } = await run('snapshot', 'save', file, '--endpoints', `${server.host}:${server.port}`);

    expect(code).toBe(1);
    expect(err).toMatch(/^Error: the snapshot /);
    expect([await readdir(folder), await readFile(file, 'utf8')]).toEqual([['backup'], 'the last good one']);
  });

  test('is of one member: of several endpoints none is asked', async () => {
    const { code, err } = await run('snapshot', 'save', file, '--endpoints', 'a:1,b:1');

    expect(code).toBe(2);
    expect(err).toContain('--endpoints is "a:1,b:1"; it must be one member');
  });

  test('that stalls is given up after the command timeout', async () => {
    const member = new FakeMember();
    const stalled = {
      sizeBytes: 1_000,
      isClosed: false,
      async *chunks(): AsyncGenerator<Uint8Array> {
        await new Promise(() => {});
        yield Buffer.alloc(0);
      },
      close() {
        this.isClosed = true;
      },
    };
    member.snapshot = () => stalled;
    const { server } = await servers.serve(member);
    const endpoint = `${server.host}:${server.port}`;

    const { code, err } = await run(
      ...['snapshot', 'save', file, '--endpoints', endpoint],
      ...['--command-timeout', '200ms'],
    );

    expect(code).toBe(1);
    expect(err).toBe(`Error: ${endpoint}: it did not answer in time\n`);
    expect(await readdir(folder)).toEqual([]);
  });
});

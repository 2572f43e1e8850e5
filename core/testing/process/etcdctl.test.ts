/** etcd's own command line against `conclave serve`, where `etcdctl` is on the PATH. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ServeProcess } from './serve-process.js';

const hasEtcdctl = isOnPath('etcdctl');
if (!hasEtcdctl) test.skip('etcdctl: skipped, because it is not on the PATH', () => {});

(hasEtcdctl ? describe : describe.skip)('etcdctl', () => {
  let dataDir: string;
  let server: ServeProcess;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'conclave-etcdctl-'));
    server = ServeProcess.spawn(['--data-dir', dataDir, '--listen-client-urls', 'http://127.0.0.1:0']);
    env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: await server.ready() };
  });
  afterAll(async () => {
    await server.end();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function etcdctl(...args: string[]): Promise<string> {
    return (await promisify(execFile)('etcdctl', args, { env, timeout: 10_000 })).stdout;
  }

  /** Runs a command that reads from its standard input or goes on for ever; answers its lines. */
  function interactive(...args: string[]) {
    const child = spawn('etcdctl', args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  }

  async function nextLines(lines: AsyncIterator<string>, count: number): Promise<string[]> {
    const read: string[] = [];
    while (read.length < count) read.push(String((await lines.next()).value));
    return read;
  }

  test('put, get, get --prefix and del', async () => {
    expect(await etcdctl('put', 'fruit/apple', 'red')).toBe('OK\n');
    expect(await etcdctl('put', 'fruit/pear', 'green')).toBe('OK\n');
    expect(await etcdctl('get', 'fruit/apple')).toBe('fruit/apple\nred\n');
    expect(await etcdctl('get', '--prefix', 'fruit/')).toBe('fruit/apple\nred\nfruit/pear\ngreen\n');
    expect(await etcdctl('get', '--prefix', '--keys-only', '--order=DESCEND', '--sort-by=KEY', 'fruit/')).toBe(
      'fruit/pear\n\nfruit/apple\n\n',
    );
    expect(await etcdctl('del', '--prev-kv', 'fruit/apple')).toBe('1\nfruit/apple\nred\n');
  });

  test('txn takes the branch that its compares say', async () => {
    await etcdctl('put', 'door', 'closed');
    const { child, lines } = interactive('txn');
    child.stdin.end('value("door") = "closed"\n\nput door open\nget door\n\nget door\n\n');

    expect(await nextLines(lines, 6)).toEqual(['SUCCESS', '', 'OK', '', 'door', 'open']);
    await once(child, 'close');
  });

  test('watch shows what happens', async () => {
    await etcdctl('put', 'watched/seed', '0');
    const { child, lines } = interactive('watch', '--prefix', '--rev=1', 'watched/');
    expect(await nextLines(lines, 3)).toEqual(['PUT', 'watched/seed', '0']);
    await etcdctl('put', 'watched/a', '1');
    await etcdctl('del', 'watched/a');

    expect(await nextLines(lines, 6)).toEqual(['PUT', 'watched/a', '1', 'DELETE', 'watched/a', '']);
    child.kill();
    await once(child, 'close');
  });

  test('lease grant, timetolive, keep-alive and revoke', async () => {
    const granted = await etcdctl('lease', 'grant', '60');
    const [, id] = /^lease ([0-9a-f]{16}) granted with TTL\(60s\)\n$/.exec(granted) ?? [];
    expect(id).toBeDefined();
    await etcdctl('put', '--lease', id!, 'leased', 'value');

    expect(await etcdctl('lease', 'timetolive', '--keys', id!)).toMatch(
      new RegExp(`^lease ${id} granted with TTL\\(60s\\), remaining\\((60|59)s\\), attached keys\\(\\[leased\\]\\)\n$`),
    );
    expect(await etcdctl('lease', 'keep-alive', '--once', id!)).toBe(`lease ${id} keepalived with TTL(60)\n`);
    expect(await etcdctl('lease', 'list')).toContain(id);
    expect(await etcdctl('lease', 'revoke', id!)).toBe(`lease ${id} revoked\n`);
    expect(await etcdctl('get', 'leased')).toBe('');
  });

  test('compaction, and the error of a compacted read', async () => {
    await etcdctl('put', 'compacted', '1');
    const { header } = JSON.parse(await etcdctl('-w', 'json', 'put', 'compacted', '2')) as {
      header: { revision: number };
    };

    expect(await etcdctl('compaction', String(header.revision))).toBe(`compacted revision ${header.revision}\n`);
    await expect(etcdctl('get', `--rev=${header.revision - 1}`, 'compacted')).rejects.toThrow(
      'etcdserver: mvcc: required revision has been compacted',
    );
  });

  test('lock and elect, which are built from leases and transactions', async () => {
    expect(await etcdctl('lock', 'a-lock', 'echo', 'locked')).toContain('locked');
    const { child, lines } = interactive('elect', 'an-election', 'me');
    const [key, proposal] = await nextLines(lines, 2);
    expect(key).toMatch(/^an-election\/[0-9a-f]+$/);
    expect(proposal).toBe('me');
    child.kill('SIGINT');
    await once(child, 'close');
  });
});

function isOnPath(command: string): boolean {
  try {
    execFileSync(command, ['version'], { stdio: 'ignore', env: { ...process.env, ETCDCTL_API: '3' } });
    return true;
  } catch {
    return false;
  }
}

/** etcd's own command line and ours against one member, where `etcdctl` is on the PATH. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from '../../../server/start-member.js';
import { freePorts } from '../../../testing/cluster/free-ports.js';
import { runCommandLine } from '../../program.js';

const hasEtcdctl = isOnPath('etcdctl');
if (!hasEtcdctl) test.skip('etcdctl: skipped, because it is not on the PATH', () => {});

(hasEtcdctl ? describe : describe.skip)('etcdctl, asking a member of Conclave', () => {
  let folder: string;
  let running: RunningMember;
  let endpoint: string;
  let peerUrl: string;
  let id: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-etcdctl-'));
    const [peerPort, port] = await freePorts(2);
    peerUrl = `http://127.0.0.1:${peerPort}`;
    running = await startMember(
      { dataDir: join(folder, 'data') },
      { name: 'm1', listen: `http://127.0.0.1:${port}`, listenPeers: peerUrl, peers: { m1: peerUrl } },
    );
    // Without a scheme: with one, etcdctl 3.4 names the host in a way that HTTP/2 forbids and Node refuses.
    endpoint = new URL(running.clientUrl as string).host;
    id = running.member.memberId.toString(16);
  });
  afterAll(async () => {
    await running.close();
    await rm(folder, { recursive: true });
  });

  async function etcdctl(...args: string[]) {
    const env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint };
    try {
      return (await promisify(execFile)('etcdctl', args, { env, timeout: 10_000 })).stdout;
    } catch (failure) {
      const { stderr } = failure as { stderr: string };
      return /^(?:Error: .*|.*is unhealthy.*)$/m.exec(stderr)?.[0] ?? stderr;
    }
  }

  async function conclave(...args: string[]) {
    let text = '';
    const write = (more: string) => void (text += more);
    await runCommandLine(args, { writeOut: write, writeErr: write, env: { ETCDCTL_ENDPOINTS: endpoint } });
    return text;
  }

  test('lists the members', async () => {
    const line = `${id}, started, m1, ${peerUrl}, ${running.clientUrl}, false\n`;

    expect(await etcdctl('member', 'list')).toBe(line);
    expect(await conclave('member', 'list')).toBe(line);
  });

  test('tells status, health and hash of an endpoint', async () => {
    const status = new RegExp(`^${endpoint}, ${id}, 3\\.5\\.0, \\d+(\\.\\d)? kB, true, false, \\d+, \\d+, \\d+, \n$`);

    expect(await etcdctl('endpoint', 'status')).toMatch(status);
    expect(await conclave('endpoint', 'status')).toMatch(status);
    expect(await conclave('endpoint', 'health')).toMatch(/ is healthy: /);
    expect(await etcdctl('endpoint', 'hashkv')).toMatch(new RegExp(`^${endpoint}, \\d+\n$`));
    expect(await etcdctl('alarm', 'list')).toBe('');
  });

  test('changes where a member is reached', async () => {
    const changed = `Member ${id.padStart(16)} updated in cluster ${running.member.clusterId.toString(16).padStart(16)}\n`;

    expect(await etcdctl('member', 'update', id, `--peer-urls=${peerUrl}`)).toBe(changed);
    expect(await conclave('member', 'update', id, `--peer-urls=${peerUrl}`)).toBe(changed);
  });

  test.each([
    [['move-leader', '1'], 'bad leader transferee'],
    [['member', 'remove', 'ID'], 're-configuration failed due to not enough started members'],
    [['member', 'remove', '12ab'], 'member not found'],
    [['member', 'promote', 'ID'], 'can only promote a learner member'],
  ])('is refused %j in the words of etcd', async (words, text) => {
    const args = words.map((word) => (word === 'ID' ? id : word));

    expect((await etcdctl(...args)).trimEnd()).toBe(`Error: etcdserver: ${text}`);
    expect((await conclave(...args)).trimEnd()).toBe(`Error: etcdserver: ${text}`);
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

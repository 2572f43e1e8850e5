/** The commands against a real etcd, beside etcdctl itself, where both are on the PATH. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type EtcdProcess, findEtcd, startEtcd } from '../../../testing/etcd-process.js';
import { runCommandLine } from '../../program.js';

const isHere = findEtcd() !== undefined && hasEtcdctl();
if (!isHere) test.skip('etcd: skipped, because etcd and etcdctl are not on the PATH', () => {});

(isHere ? describe : describe.skip)('a command, asked of a real etcd', () => {
  let etcd: EtcdProcess;
  let id: string;

  beforeAll(async () => {
    etcd = await startEtcd();
    id = (await etcdctl('member', 'list')).out.split(',')[0] as string;
  });
  afterAll(() => etcd.stop());

  async function etcdctl(...args: string[]) {
    const env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: etcd.url };
    try {
      const { stdout } = await promisify(execFile)('etcdctl', args, { env, timeout: 10_000 });
      return { out: stdout, error: '' };
    } catch (failure) {
      const { stdout, stderr } = failure as { stdout: string; stderr: string };
      return { out: stdout, error: /^Error: .*$/m.exec(stderr)?.[0] ?? stderr };
    }
  }

  async function conclave(...args: string[]) {
    let [out, error] = ['', ''];
    await runCommandLine(args, {
      writeOut: (text) => void (out += text),
      writeErr: (text) => void (error += text),
      env: { ETCDCTL_ENDPOINTS: etcd.url },
    });
    return { out, error: error.trimEnd() };
  }

  test.each([
    ['member', 'list'],
    ['endpoint', 'status'],
    ['member', 'remove', '12ab'],
    ['member', 'promote', 'ID'],
    ['member', 'remove', 'ID'],
    ['move-leader', '1'],
    ['move-leader', 'ID'],
  ])('prints what etcdctl prints: %s %s %s', async (...words) => {
    const args = words.map((word) => (word === 'ID' ? id : word));

    expect(await conclave(...args)).toEqual(await etcdctl(...args));
  });

  test('add prints what etcdctl prints, but for the order of the members', async () => {
    const add = async (by: typeof etcdctl, url: string) => {
      const { out, error } = await by('member', 'add', 'b', '--learner', '--peer-urls', url);
      expect(error).toBe('');
      const [, added] = /^Member +([0-9a-f]+) added/.exec(out) ?? [];
      await etcdctl('member', 'remove', String(added));
      const members = /ETCD_INITIAL_CLUSTER="(.*)"/.exec(out)?.[1] as string;
      const sorted = members.split(',').sort().join(',');
      return out
        .replace(/^Member +/, 'Member ')
        .replaceAll(String(added), 'ADDED')
        .replaceAll(url, 'URL')
        .replace(members.replaceAll(url, 'URL'), sorted.replaceAll(url, 'URL'));
    };

    // Only later versions of etcdctl say that it is a learner. And not the same address twice: etcd's ids follow from it and the second, and ids are never used again.
    expect((await add(conclave, 'http://127.0.0.1:1')).replace(' as learner', '')).toBe(
      await add(etcdctl, 'http://127.0.0.1:2'),
    );
  });

  test('replace, which etcd does not know, says so and changes nothing', async () => {
    const before = await conclave('member', 'list');

    const { error } = await conclave('member', 'replace', id, 'c', '--peer-urls', 'http://127.0.0.1:2');

    expect(error).toMatch(/^Error: unknown service conclave\.v1\.Admin$/);
    expect(await conclave('member', 'list')).toEqual(before);
  });
});

function hasEtcdctl(): boolean {
  try {
    execFileSync('etcdctl', ['version'], { stdio: 'ignore', env: { ...process.env, ETCDCTL_API: '3' } });
    return true;
  } catch {
    return false;
  }
}

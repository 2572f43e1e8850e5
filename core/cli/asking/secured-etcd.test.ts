/** Certificates, names and tokens, against a real etcd that asks for them. Skipped where there is none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeAuthority } from '../../tls/testing/certificates.js';
import { freePorts } from '../../testing/cluster/free-ports.js';
import { findEtcd } from '../../testing/etcd-process.js';
import { runHere, startHere } from '../testing/run-here.js';

const etcd = findEtcd();
if (etcd === undefined) test.skip('etcd: skipped, because it is not on the PATH', () => {});

(etcd === undefined ? describe.skip : describe)('an etcd that is secured', () => {
  let folder: string;
  let child: ChildProcess;
  let plain: string;
  let secure: string;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-secured-'));
    const authority = await makeAuthority();
    const [server, stranger] = await Promise.all([authority.issue(), (await makeAuthority('a stranger')).issue()]);
    const files = { 'ca.pem': server.ca, 'cert.pem': server.cert, 'key.pem': server.key, 'stranger.pem': stranger.ca };
    for (const [name, bytes] of Object.entries(files)) await writeFile(file(name), bytes);
    const [plainPort, securePort, peerPort] = await freePorts(3);
    plain = `http://127.0.0.1:${plainPort}`;
    secure = `https://127.0.0.1:${securePort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    child = spawn(
      etcd as string,
      [
        ...['--name', 'a', '--data-dir', file('data'), '--initial-cluster', `a=${peer}`, '--bcrypt-cost', '4'],
        ...['--listen-client-urls', `${plain},${secure}`, '--advertise-client-urls', plain],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--cert-file', file('cert.pem'), '--key-file', file('key.pem')],
        ...['--client-cert-auth', '--trusted-ca-file', file('ca.pem'), '--auth-token-ttl', '2'],
      ],
      { stdio: 'ignore', cwd: folder },
    );
    for (let tries = 0; tries < 100; tries += 1) {
      if ((await run(plain, 'endpoint', 'health')).code === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, 30_000);

  afterAll(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
    await rm(folder, { recursive: true, force: true });
  });

  const run = (endpoints: string, ...args: string[]) => runHere(args, { env: { ETCDCTL_ENDPOINTS: endpoints } });
  const certificates = () => ['--cacert', file('ca.pem'), '--cert', file('cert.pem'), '--key', file('key.pem')];

  describe('by certificates', () => {
    test('answers who shows one, for every kind of call', async () => {
      expect(await run(secure, 'put', 'tls', 'x', ...certificates())).toEqual({ code: 0, out: 'OK\n', err: '' });
      const { out: granted } = await run(secure, 'lease', 'grant', '60', ...certificates());
      const id = /[0-9a-f]{16}/.exec(granted)?.[0] as string;
      expect((await run(secure, 'lease', 'keep-alive', '--once', id, ...certificates())).out).toContain('keepalived');
      const watch = startHere(['watch', 'tls', '--rev', '1', ...certificates()], {
        env: { ETCDCTL_ENDPOINTS: secure },
      });
      await watch.untilLines(3);
      expect((await watch.end()).out).toBe('PUT\ntls\nx\n');
    });

    test('is asked with TLS where flags say so and the address does not', async () => {
      const address = secure.replace('https://', '');

      expect((await run(address, 'get', 'tls', '--print-value-only', ...certificates())).out).toBe('x\n');
    });

    test('finds them in variables', async () => {
      const env = {
        ...{ ETCDCTL_ENDPOINTS: secure, ETCDCTL_CACERT: file('ca.pem') },
        ...{ ETCDCTL_CERT: file('cert.pem'), ETCDCTL_KEY: file('key.pem') },
      };

      expect((await runHere(['get', 'tls', '--print-value-only'], { env })).out).toBe('x\n');
    });

    test('is not believed when a stranger signed its own', async () => {
      const { code, err } = await run(secure, 'get', 'tls', '--cacert', file('stranger.pem'), '--dial-timeout', '1s');

      expect(code).toBe(1);
      expect(err).toMatch(/^Error: https:\S+: .*certificate/);
    });

    test('is believed whoever signed it, if that is wanted', async () => {
      const [, , cert, certFile, key, keyFile] = certificates() as [string, string, string, string, string, string];

      const { out } = await run(secure, 'get', 'tls', '--insecure-skip-tls-verify', cert, certFile, key, keyFile);

      expect(out).toBe('tls\nx\n');
    });

    test('does not answer who shows none', async () => {
      const { code, out } = await run(secure, 'get', 'tls', '--cacert', file('ca.pem'), '--dial-timeout', '1s');

      expect({ code, out }).toEqual({ code: 1, out: '' });
    });

    test.each([
      [['--cacert', '/no/such/file'], '--cacert is "/no/such/file"; it must be a file that can be read (ENOENT)'],
      [['--cert', 'x'], '--key is ""; it must be given along with --cert'],
      [['--key', 'x'], '--cert is ""; it must be given along with --key'],
      [['--cacert', process.execPath.replace(/[^/]*$/, '')], 'a file that can be read'],
      [['--password', 'x'], '--password is "(given)"; it must be given along with --user'],
    ])('is not asked with %j', async (flags, text) => {
      const { code, err } = await run(secure, 'get', 'tls', ...flags);

      expect(code).toBe(2);
      expect(err).toContain(text);
    });
  });

  describe('by names and passwords', () => {
    beforeAll(async () => {
      for (const line of ['user add root:pw', 'user grant-role root root', 'user add alice:pw', 'role add r']) {
        await run(plain, ...line.split(' '));
      }
      await run(plain, 'role', 'grant-permission', 'r', 'readwrite', 'a/', '--prefix');
      await run(plain, 'user', 'grant-role', 'alice', 'r');
      expect((await run(plain, 'auth', 'enable')).out).toBe('Authentication Enabled\n');
    });
    afterAll(async () => {
      expect((await run(plain, 'auth', 'disable', '--user', 'root:pw')).out).toBe('Authentication Disabled\n');
    });

    test('answers who is known and permitted', async () => {
      expect((await run(plain, 'put', 'a/1', 'x', '--user', 'alice:pw')).out).toBe('OK\n');
      expect((await run(plain, 'put', 'b', 'x', '--user', 'alice:pw')).err).toBe(
        'Error: etcdserver: permission denied\n',
      );
      expect((await run(plain, 'get', 'a/1')).err).toBe('Error: etcdserver: user name is empty\n');
      expect((await run(plain, 'get', 'a/1', '--user', 'alice:no')).err).toBe(
        'Error: etcdserver: authentication failed, invalid user ID or password\n',
      );
    });

    test('answers one whose token has ended with a new one, and goes on', async () => {
      const lines = startHere(['watch', '-i', '--user', 'alice:pw'], { env: { ETCDCTL_ENDPOINTS: plain } });
      lines.write('watch a/1 --rev 1\n');
      await lines.untilLines(3);
      // Two tokens' lives later.
      await new Promise((resolve) => setTimeout(resolve, 4_500));
      lines.write('watch a/1 --rev 1\n');
      await lines.untilLines(6);

      expect(await lines.end()).toEqual({ code: 0, out: 'PUT\na/1\nx\nPUT\na/1\nx\n', err: '' });
    });

    test('keeps a lock for who is known, longer than a token lives', async () => {
      const lock = startHere(['lock', 'a/lock', '--ttl', '3', '--user', 'alice:pw'], {
        env: { ETCDCTL_ENDPOINTS: plain },
      });
      await lock.untilLines(2);
      await new Promise((resolve) => setTimeout(resolve, 4_500));

      expect((await run(plain, 'get', 'a/lock/', '--prefix', '--keys-only', '--user', 'alice:pw')).out).toContain(
        'a/lock/',
      );
      expect(await lock.end()).toMatchObject({ code: 0, err: '' });
      expect((await run(plain, 'get', 'a/lock/', '--prefix', '--user', 'alice:pw')).out).toBe('');
    });
  });
});

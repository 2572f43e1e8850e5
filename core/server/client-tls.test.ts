import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Logger, silentLogger } from '../base/logger.js';
import { type Issued, makeAuthority, type TestAuthority } from '../tls/testing/certificates.js';
import { type RunningMember, startMember, type StartOptions, type Where } from './start-member.js';

const run = promisify(execFile);
const onPath = (name: string) =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)));
const whereThereIs = (name: string) => (onPath(name) ? test : test.skip);

let authority: TestAuthority;
let member: Issued;
let root: Issued;
beforeAll(async () => {
  authority = await makeAuthority('ours');
  member = await authority.issue();
  root = await authority.issue({ commonName: 'root' });
});

let folder: string;
const running: RunningMember[] = [];
const warned: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-client-tls-'));
});
afterEach(async () => {
  warned.length = 0;
  for (const one of running.splice(0)) await one.close();
  await rm(folder, { recursive: true });
});

const logger: Logger = { ...silentLogger, warn: (_fields, message) => warned.push(message) };

async function start(options: StartOptions, where: Where = { memory: true }): Promise<RunningMember> {
  const started = await startMember(where, { logger, ...options });
  running.push(started);
  return started;
}

async function put(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}

/** Runs etcdctl as somebody. */
async function etcdctl(url: string, as: Issued | undefined, ...args: string[]): Promise<string> {
  const files = ['--cacert', await put('ca.pem', authority.certificate)];
  if (as) files.push('--cert', await put('as.pem', as.cert), '--key', await put('as-key.pem', as.key));
  const env = { PATH: process.env['PATH'] };
  const { stdout } = await run('etcdctl', ['--endpoints', url, ...files, ...args], { env, timeout: 20_000 });
  return stdout;
}

describe('a member with certificates', () => {
  whereThereIs('etcdctl')('serves etcdctl over mutual TLS, and nobody without a certificate', async () => {
    const clientTls = { ...member, ca: authority.certificate, clientCertAuth: true };
    const { clientUrl = '' } = await start({ listen: 'https://127.0.0.1:0', clientTls });

    expect(clientUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await etcdctl(clientUrl, root, 'put', 'k', 'v')).toBe('OK\n');
    expect(await etcdctl(clientUrl, root, 'get', 'k')).toBe('k\nv\n');
    await expect(etcdctl(clientUrl, undefined, '--command-timeout=1s', 'get', 'k')).rejects.toThrow();
  });

  whereThereIs('etcdctl')('takes the common name of a certificate for the user, once that is enabled', async () => {
    const clientTls = { ...member, ca: authority.certificate, clientCertAuth: true };
    const { clientUrl = '' } = await start({ listen: 'https://127.0.0.1:0', clientTls });
    await etcdctl(clientUrl, root, 'user', 'add', 'root', '--no-password');
    await etcdctl(clientUrl, root, 'auth', 'enable');

    expect(await etcdctl(clientUrl, root, 'put', 'k', 'v')).toBe('OK\n');
    const ann = await authority.issue({ commonName: 'ann' });
    await expect(etcdctl(clientUrl, ann, 'put', 'k', 'w')).rejects.toThrow(/denied|not found|user/);
  });

  whereThereIs('curl')('answers curl', async () => {
    const { clientUrl = '' } = await start({
      listen: { host: '127.0.0.1', port: 0 },
      clientTls: { cert: member.cert, key: member.key },
    });
    const ca = await put('ca.pem', authority.certificate);
    const { stdout } = await run('curl', ['-sS', '--cacert', ca, '-w', '%{http_code}', `${clientUrl}/no-such-page`]);
    expect(stdout).toMatch(/404$/);
  });

  test('serves plain text beside TLS, where an address says so', async () => {
    const listen = ['http://127.0.0.1:0', 'https://127.0.0.1:0', `unix://${join(folder, 'c.sock')}?mode=600`];
    const { clientUrl } = await start({ listen, clientTls: member });
    expect(clientUrl).toMatch(/^http:/);
    expect((await stat(join(folder, 'c.sock'))).mode & 0o777).toBe(0o600);
  });

  test('warns of an open address only where no certificate is asked for', async () => {
    const open = 'whoever reaches this address can read and change everything';
    await start({ listen: 'https://0.0.0.0:0', clientTls: { ...member, ca: authority.certificate } });
    expect(warned).not.toContain(open);
    await start({ listen: 'https://0.0.0.0:0', clientTls: { cert: member.cert, key: member.key } });
    expect(warned).toContain(open);
  });

  test('says at the start that a certificate has expired, and starts', async () => {
    const expired = await authority.issue({ validDays: { from: -2, to: -1 } });
    await start({ listen: 'https://127.0.0.1:0', clientTls: expired });
    expect(warned.join()).toContain('expired');
  });
});

describe('--auto-tls', () => {
  test('makes a certificate, keeps it in the data folder, and uses it again', async () => {
    const where = { dataDir: join(folder, 'data') };
    const files = ['cert.pem', 'key.pem'].map((name) => join(where.dataDir, 'fixtures', 'client', name));
    const options = { listen: 'https://127.0.0.1:0', autoTls: true };
    const first = await start(options, where);
    const [made] = await Promise.all(files.map((file) => readFile(file)));
    expect((await stat(files[1]!)).mode & 0o777).toBe(0o600);
    await first.close();

    await start(options, where);

    expect(await readFile(files[0]!)).toEqual(made);
    expect(warned.join()).toContain('nobody vouches for');
  });

  test('makes another one where the one that was kept is damaged', async () => {
    const where = { dataDir: join(folder, 'data') };
    const options = { listen: 'https://127.0.0.1:0', autoTls: true };
    await (await start(options, where)).close();
    const path = join(where.dataDir, 'fixtures', 'client', 'key.pem');
    await writeFile(path, root.key);

    await start(options, where);
    expect(await readFile(path)).not.toEqual(root.key);
  });
});

test.each<[string, () => StartOptions | Promise<StartOptions>, string]>([
  ['without certificates', () => ({}), 'clientTls'],
  ['without a key', () => ({ clientTls: { cert: member.cert } }), 'clientTls.key'],
  ['with the key of another', () => ({ clientTls: { cert: member.cert, key: root.key } }), 'clientTls.key'],
  ['with a file that is not there', () => ({ clientTls: { ...member, cert: '/no/such/file' } }), 'clientTls.cert'],
  ['with what is no certificate', () => ({ clientTls: { ...member, cert: Buffer.from('x') } }), 'clientTls.cert'],
  ['with what is no key', () => ({ clientTls: { ...member, key: Buffer.from('x') } }), 'clientTls.key'],
  ['with what is no authority', () => ({ clientTls: { ...member, ca: Buffer.from('x') } }), 'clientTls.ca'],
  ['with what is no list', () => ({ clientTls: { ...member, crl: Buffer.from('x') } }), 'clientTls.crl'],
  [
    'with names but no authority',
    () => ({ clientTls: { cert: member.cert, key: member.key, clientCertAuth: true } }),
    'clientTls.ca',
  ],
  [
    'with an unknown cipher suite',
    () => ({ clientTls: { ...member, cipherSuites: ['ROT13'] } }),
    'clientTls.cipherSuites',
  ],
  [
    'with an unknown version',
    () => ({ clientTls: { ...member, minVersion: 'TLSv1.1' as never } }),
    'clientTls.minVersion',
  ],
  [
    'with a least version above the last',
    () => ({ clientTls: { ...member, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' } }),
    'clientTls.minVersion',
  ],
  ['for no time at all', () => ({ autoTls: true, selfSignedCertValidityYears: 0 }), 'selfSignedCertValidityYears'],
])('https %s is refused, naming what is wrong and no secrets', async (_, options, field) => {
  const failing = start({ listen: 'https://127.0.0.1:0', ...(await options()) });
  const error = (await failing.catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', field });
  expect(error.message).not.toContain('PRIVATE');
});

test.each(['unix://', 'tcp://a:1', 'https://', 'unix:///a?mode=9', 'https://a:1/path'])(
  '%s is no address to listen on',
  async (listen) => {
    await expect(start({ listen, autoTls: true })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'listen' });
  },
);

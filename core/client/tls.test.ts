import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions as ServerOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from '../connect.js';
import { type Logger, silentLogger } from '../base/logger.js';
import { startMember } from '../server/start-member.js';
import { type Issued, makeAuthority, type TestAuthority } from '../tls/testing/certificates.js';
import type { TlsOptions } from './settings.js';

let authority: TestAuthority;
let member: Issued;
let folder: string;
beforeAll(async () => {
  authority = await makeAuthority('ours');
  member = await authority.issue();
  folder = await mkdtemp(join(tmpdir(), 'conclave-client-'));
});
afterAll(() => rm(folder, { recursive: true }));

const releases: (() => unknown)[] = [];
const warned: string[] = [];
const logger: Logger = { ...silentLogger, warn: (_fields, message) => warned.push(message) };
afterEach(async () => {
  warned.length = 0;
  for (const release of releases.splice(0).reverse()) await release();
});

async function served(options: Parameters<typeof startMember>[1]): Promise<string> {
  const running = await startMember({ memory: true }, options);
  releases.push(() => running.close());
  return running.clientUrl as string;
}

/** The address of something that is no member, and lets nobody through. */
async function listening(server: Http2Server | ReturnType<typeof createTlsServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  releases.push(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ending = (options: ServerOptions) =>
  createTlsServer(options, (socket) => socket.destroy()).on('tlsClientError', () => {});

async function putsAndGets(url: string, tls?: TlsOptions): Promise<void> {
  const store = await connect(url, { ...(tls && { tls }) });
  releases.push(() => store.close());
  await store.put('k', 'v');
  expect((await store.get('k'))?.key).toBeDefined();
}

describe('a client', () => {
  test('reaches a member over TLS, with its own certificate, from bytes or files', async () => {
    const clientTls = { ...member, ca: authority.certificate };
    const url = await served({ listen: 'https://127.0.0.1:0', clientTls });
    const own = await authority.issue({ commonName: 'ann' });
    await putsAndGets(url, { ca: authority.certificate, cert: own.cert, key: own.key });

    const pathOf = async (name: string, bytes: Uint8Array) => {
      await writeFile(join(folder, name), bytes);
      return join(folder, name);
    };
    const files = { cert: await pathOf('cert.pem', own.cert), key: await pathOf('key.pem', own.key) };
    await putsAndGets(url, { ca: await pathOf('ca.pem', authority.certificate), ...files });
  });

  test('reaches a member over a unix socket, with TLS and without', async () => {
    const [plain, secure] = [`unix://${join(folder, 'p.sock')}`, `unixs://${join(folder, 's.sock')}`];
    await served({ listen: [plain, secure], clientTls: { cert: member.cert, key: member.key } });
    await putsAndGets(plain);
    await putsAndGets(secure, { ca: authority.certificate });
  });

  test('takes the name that it is told to look for', async () => {
    const other = await authority.issue({ hosts: ['member.example'] });
    const url = await served({ listen: 'https://127.0.0.1:0', clientTls: { cert: other.cert, key: other.key } });
    await putsAndGets(url, { ca: authority.certificate, serverName: 'member.example' });
  });

  test('believes any certificate if it is told to', async () => {
    const url = await served({ listen: 'https://127.0.0.1:0', autoTls: true });
    await putsAndGets(url, { insecureSkipVerify: true });
  });
});

describe('a client is told at once, and what to do,', () => {
  const trusting = () => ({ ca: authority.certificate });
  const issued = async (options: Parameters<TestAuthority['issue']>[0]) =>
    listening(ending(await authority.issue(options)));

  test.each<[string, () => Promise<string>, () => TlsOptions | Promise<TlsOptions>, string, RegExp]>([
    ['has expired', () => issued({ validDays: { from: -2, to: -1 } }), trusting, 'EXPIRED', /renew it/],
    ['is not valid yet', () => issued({ validDays: { from: 1, to: 2 } }), trusting, 'NOT_YET_VALID', /clocks/],
    ['is for another host', () => issued({ hosts: ['10.1.1.1'] }), trusting, 'WRONG_HOST', /serverName/],
    ['has an unknown authority', () => issued({}), () => ({}), 'UNKNOWN_AUTHORITY', /tls\.ca/],
    [
      'was revoked',
      () => listening(ending(member)),
      async () => ({ ca: authority.certificate, crl: await authority.revoke(member.cert) }),
      'REVOKED',
      /do not trust/,
    ],
    ['is none: it speaks plain text', () => listening(createServer()), trusting, 'PLAIN_TEXT_SERVER', /http:\/\//],
    [
      'is good, but it wants one of ours',
      () => served({ listen: 'https://127.0.0.1:0', clientTls: { ...member, ca: authority.certificate } }),
      trusting,
      'OWN_CERTIFICATE',
      /tls\.cert/,
    ],
    [
      'is good, but of TLS it has no version in common',
      () => listening(ending({ ...member, maxVersion: 'TLSv1.2', requestCert: false })),
      () => ({ ...trusting(), minVersion: 'TLSv1.3' }),
      'NOTHING_IN_COMMON',
      /in common/,
    ],
  ])('that the certificate of the server %s', async (_, server, tls, problem, advice) => {
    const url = await server();
    const options = { tls: await tls(), logger, client: { dialTimeoutMs: 60_000 } };

    const error = (await connect(url, options).catch((thrown: unknown) => thrown)) as Error;

    expect(error).toMatchObject({ code: 'TLS_FAILED', problem, retry: 'safe' });
    expect(error.message).toMatch(advice);
    expect(warned).toEqual([error.message]);
  });
});

test('one endpoint whose certificate is wrong does not keep a client from the others, and is told of', async () => {
  const wrong = await listening(ending(await authority.issue({ hosts: ['10.1.1.1'] })));
  const right = await served({ listen: 'https://127.0.0.1:0', clientTls: { cert: member.cert, key: member.key } });
  for (let time = 0; time < 8 && warned.length === 0; time += 1) {
    const store = await connect(`${wrong},${right}`, { tls: { ca: authority.certificate }, logger });
    await store.put('k', 'v');
    await store.close();
  }
  expect(warned.join()).toContain('another host');
});

test('certificates that make no sense are refused before anything is dialled', async () => {
  const url = 'https://127.0.0.1:1';
  await expect(connect(url, { tls: { cert: member.cert } })).rejects.toMatchObject({ field: 'tls.key' });
  await expect(connect(url, { tls: { ca: '/no/such' } })).rejects.toMatchObject({ field: 'tls.ca', value: '/no/such' });
});

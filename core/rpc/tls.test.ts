import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Logger, silentLogger } from '../base/logger.js';
import { ManualClock } from '../testing/manual-clock.js';
import { TlsMaterial, type TlsFiles } from '../tls/tls-material.js';
import { type Issued, makeAuthority, type TestAuthority } from '../tls/testing/certificates.js';
import { KVService } from './gen/kv.js';
import { type NetworkServer, serveGrpc, type ServeOptions, type ServerTls } from './grpc-carrier.js';
import type { CallerCredentials } from './ports.js';
import { FakeMember } from './testing/fake-member.js';
import { RawClient } from './testing/raw-client.js';
import { eventually } from './testing/served.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const range = KVService.range.requestDeserialize(Buffer.from('0a016b', 'hex'));

let authority: TestAuthority;
let stranger: TestAuthority;
let member: Issued;
let ann: Issued;
beforeAll(async () => {
  authority = await makeAuthority('ours');
  stranger = await makeAuthority('theirs');
  member = await authority.issue();
  ann = await authority.issue({ commonName: 'ann' });
});

let clock: ManualClock;
let folder: string;
const warned: string[] = [];
const releases: (() => unknown)[] = [];
beforeEach(async () => {
  clock = new ManualClock();
  warned.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'conclave-tls-'));
});
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
  await rm(folder, { recursive: true });
});

const logger: Logger = {
  ...silentLogger,
  warn: (fields, message) => warned.push(`${message} ${JSON.stringify(fields)}`),
};

interface Serving extends NetworkServer {
  /** Whom each call came from. */
  readonly callers: CallerCredentials[];
}

async function serve(
  files: TlsFiles,
  tls: Partial<ServerTls> = {},
  options: Partial<ServeOptions> = {},
): Promise<Serving> {
  const fake = new FakeMember(clock);
  fake.range = async () => ({ type: 'range', revision: 100, kvs: [], count: 0, more: false });
  const callers: CallerCredentials[] = [];
  fake.callers.of = (from) => {
    callers.push(from);
    return fake;
  };
  const material = new TlsMaterial(files, { field: 'clientTls', clock, logger });
  const server = await serveGrpc({
    ...{ host: '127.0.0.1', port: 0, member: fake, maxRequestBytes: 10_000, logger },
    http: () => ({ handle: (request, response) => void response.end(`${request.url} over TLS`), close() {} }),
    tls: { material, requireClientCert: false, namesUsers: false, ...tls },
    ...options,
  });
  releases.push(async () => {
    const closing = server.close();
    await clock.advance(60_000);
    await closing;
  });
  return Object.assign(server, { callers });
}

const mutual = { requireClientCert: true, namesUsers: true };

function rpcClient(server: NetworkServer, ca: Uint8Array, own?: Pick<Issued, 'cert' | 'key'>): RawClient {
  const to = credentials.createSsl(Buffer.from(ca), own?.key ?? null, own?.cert ?? null);
  const client = new RawClient(
    new Client(`127.0.0.1:${server.port}`, to, { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 }),
  );
  releases.push(() => client.close());
  return client;
}

async function revisionAt(client: RawClient): Promise<number | undefined> {
  return (await client.unary(KVService.range, range)).header?.revision;
}

async function dial(server: NetworkServer, options: ConnectionOptions): Promise<TLSSocket & { heard: string }> {
  const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: authority.certificate as Buffer, ...options });
  releases.push(() => socket.destroy());
  const heard = Object.assign(socket, { heard: '' });
  socket.on('data', (bytes: Buffer) => (heard.heard += bytes.toString('latin1')));
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return heard;
}

function dialPlain(server: NetworkServer): Socket {
  const socket = connectPlain(server.port, '127.0.0.1').on('error', () => {});
  socket.resume();
  releases.push(() => socket.destroy());
  return socket;
}

describe('over TLS', () => {
  test('gRPC and HTTP/1.1 are served on one port: ALPN decides', async () => {
    const server = await serve(member);

    expect(await revisionAt(rpcClient(server, authority.certificate))).toBe(100);
    for (const ALPNProtocols of [['http/1.1'], ['h2', 'http/1.1']]) {
      const browser = await dial(server, { ALPNProtocols });
      expect(browser.alpnProtocol).toBe('http/1.1');
      browser.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
      await eventually(() => browser.heard.includes('/health over TLS'));
    }
    expect((await dial(server, { ALPNProtocols: ['h2'] })).alpnProtocol).toBe('h2');
  });

  test('the first bytes decide for a client without ALPN', async () => {
    const server = await serve(member);
    const [http1, http2] = [await dial(server, {}), await dial(server, {})];

    http1.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    http2.write(Buffer.from(`${PREFACE}\0\0\0\x04\0\0\0\0\0`, 'latin1'));

    await eventually(() => http1.heard.includes('/health over TLS'));
    await eventually(() => http2.heard.charCodeAt(3) === 4);
  });

  test('half a preface inside is closed after firstBytesMs', async () => {
    const server = await serve(member, {}, { limits: { firstBytesMs: 2_000 } });
    const half = await dial(server, {});
    half.write(PREFACE.slice(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(2_000);
    await eventually(() => half.closed);
    expect(server.counts.refused.silent).toBe(1);
  });

  test('plain text is refused, counted, and said once', async () => {
    const server = await serve(member);
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', PREFACE]) {
      const socket = dialPlain(server);
      socket.write(bytes);
      await eventually(() => socket.closed);
    }
    expect(server.counts).toMatchObject({ greeting: 0, refused: { plainText: 2 } });
    expect(warned).toHaveLength(1);
  });

  test('a version below the least is refused', async () => {
    const server = await serve({ ...member, minVersion: 'TLSv1.3' });
    await expect(dial(server, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect((await dial(server, {})).getProtocol()).toBe('TLSv1.3');
  });

  test('a cipher suite that was not named is refused', async () => {
    const cipherSuites = ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'];
    const server = await serve({ ...member, maxVersion: 'TLSv1.2', cipherSuites });
    await expect(dial(server, { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).rejects.toThrow();
    expect((await dial(server, {})).getCipher().name).toBe('ECDHE-ECDSA-AES256-GCM-SHA384');
  });
});

describe('a greeting', () => {
  test('that takes too long is ended', async () => {
    const server = await serve(member, {}, { limits: { greetingMs: 50 } });
    const slow = dialPlain(server);
    slow.write(Buffer.from('1603010200', 'hex'));
    await eventually(() => slow.closed);
    expect(server.counts).toMatchObject({ open: 0, greeting: 0, refused: { greetingFailed: 1 } });
  });

  test('over greetingsMax is refused, and taken again once there is room', async () => {
    const server = await serve(member, {}, { limits: { greetingsMax: 2 } });
    const slow = [dialPlain(server), dialPlain(server)];
    for (const socket of slow) socket.write(Buffer.from('1603010200', 'hex'));
    await eventually(() => server.counts.greeting === 2);

    await expect(dial(server, {})).rejects.toThrow();
    expect(server.counts.refused.tooManyGreetings).toBe(1);
    slow[0]!.destroy();
    await eventually(() => server.counts.greeting === 1);
    await dial(server, {});
  });

  test('of every kind that fails is counted once', async () => {
    const server = await serve({ ...member, ca: authority.certificate }, mutual);
    const garbage = dialPlain(server);
    garbage.write(Buffer.from('16030100050102030405', 'hex'));
    await eventually(() => garbage.closed);
    const reset = dialPlain(server);
    reset.write(Buffer.from('1603010200', 'hex'));
    await eventually(() => server.counts.greeting === 1);
    reset.resetAndDestroy();
    await eventually(() => server.counts.greeting === 0);
    const bare = await dial(server, { maxVersion: 'TLSv1.2' }).catch(() => undefined);
    expect(bare).toBeUndefined();
    await eventually(() => server.counts.refused.greetingFailed === 3);
    expect(server.counts.greeting).toBe(0);
  });
});

describe('a client', () => {
  test('proves who it is: the common name of its certificate is known to the handlers', async () => {
    const server = await serve({ ...member, ca: authority.certificate }, mutual);
    const client = rpcClient(server, authority.certificate, ann);

    expect(await revisionAt(client)).toBe(100);
    expect(await revisionAt(client)).toBe(100);
    expect(server.callers).toEqual([{ commonName: 'ann' }, { commonName: 'ann' }]);
  });

  test('may connect from another address than those that its certificate names', async () => {
    const elsewhere = await authority.issue({ commonName: 'ann', hosts: ['203.0.113.7', 'elsewhere.example'] });
    const server = await serve({ ...member, ca: authority.certificate }, mutual);

    expect(await revisionAt(rpcClient(server, authority.certificate, elsewhere))).toBe(100);
  });

  test('names nobody by a certificate where that was not asked for', async () => {
    const server = await serve({ ...member, ca: authority.certificate }, { requireClientCert: true });
    await revisionAt(rpcClient(server, authority.certificate, ann));
    expect(server.callers).toEqual([{}]);
  });

  test.each<[string, () => Promise<Pick<Issued, 'cert' | 'key'> | undefined>, RegExp]>([
    ['without a certificate', async () => undefined, /CERTIFICATE/],
    ['with one of another authority', () => stranger.issue(), /UNABLE_TO|SELF_SIGNED/],
    ['with one that has expired', () => authority.issue({ validDays: { from: -2, to: -1 } }), /CERT_HAS_EXPIRED/],
    ['with one that is not valid yet', () => authority.issue({ validDays: { from: 1, to: 2 } }), /CERT_NOT_YET_VALID/],
  ])('%s is refused', async (_, issue, why) => {
    const server = await serve({ ...member, ca: authority.certificate }, mutual);
    const client = rpcClient(server, authority.certificate, await issue());

    await expect(revisionAt(client)).rejects.toMatchObject({ code: 14 });
    await eventually(() => warned.length > 0);
    expect(warned.join()).toMatch(why);
    expect(warned.join()).not.toMatch(/BEGIN|CN=/);
    expect(server.callers).toEqual([]);
  });

  test('is refused where the list of what was taken back is not one of its authority', async () => {
    const crl = await stranger.revoke();
    const server = await serve({ ...member, ca: authority.certificate, crl }, mutual);

    await expect(revisionAt(rpcClient(server, authority.certificate, ann))).rejects.toMatchObject({ code: 14 });
    await eventually(() => warned.join().includes('UNABLE_TO_GET_CRL'));
  });

  test('whose certificate was taken back is refused, the others are not', async () => {
    const crl = await authority.revoke(ann.cert);
    const server = await serve({ ...member, ca: authority.certificate, crl }, mutual);

    await expect(revisionAt(rpcClient(server, authority.certificate, ann))).rejects.toMatchObject({ code: 14 });
    await eventually(() => warned.join().includes('CERT_REVOKED'));
    const bob = await authority.issue({ commonName: 'bob' });
    expect(await revisionAt(rpcClient(server, authority.certificate, bob))).toBe(100);
  });
});

describe('certificates in files', () => {
  const pathOf = (name: string) => join(folder, name);
  /** As those who rotate do: never half a file. */
  async function put(name: string, bytes: Uint8Array): Promise<string> {
    await writeFile(pathOf('new'), bytes);
    await rename(pathOf('new'), pathOf(name));
    return pathOf(name);
  }
  async function putAll({ cert, key }: Issued) {
    return { cert: await put('cert.pem', cert), key: await put('key.pem', key) };
  }
  const nameAt = async (server: NetworkServer) => {
    const socket = await dial(server, {});
    return socket.getPeerCertificate().subject.CN;
  };

  test('are used for new connections once they change; calls under way go on', async () => {
    const server = await serve(await putAll(await authority.issue({ commonName: 'old' })));
    const client = rpcClient(server, authority.certificate);
    await revisionAt(client);
    let isRunning = true;
    const load = (async () => {
      let count = 0;
      while (isRunning) {
        expect(await revisionAt(client)).toBe(100);
        count += 1;
      }
      return count;
    })();

    expect(await nameAt(server)).toBe('old');
    await putAll(await authority.issue({ commonName: 'new' }));
    expect(await nameAt(server)).toBe('old');
    await clock.advance(1_000);
    expect(await nameAt(server)).toBe('new');

    isRunning = false;
    expect(await load).toBeGreaterThan(0);
    expect(server.counts.refused.greetingFailed).toBe(0);
  });

  test('that cannot be used leave the old ones in force, until they are right', async () => {
    const server = await serve(await putAll(await authority.issue({ commonName: 'old' })));
    const next = await authority.issue({ commonName: 'new' });

    // The certificate of another key, a file that is none, and no file.
    for (const bytes of [next.cert, Buffer.from('half a certifi')]) {
      await put('cert.pem', bytes);
      await clock.advance(1_000);
      expect(await nameAt(server)).toBe('old');
    }
    await rm(pathOf('cert.pem'));
    await clock.advance(1_000);
    expect(await nameAt(server)).toBe('old');
    expect(warned).toHaveLength(1);
    expect(warned[0]).toContain('the old ones stay');

    await putAll(next);
    await clock.advance(1_000);
    expect(await nameAt(server)).toBe('new');
  });

  test('are taken back by a list that changes; nobody gets in with an older session', async () => {
    const crl = await put('crl.pem', await authority.revoke());
    const server = await serve({ ...member, ca: authority.certificate, crl }, mutual);
    const first = await dial(server, { ...ann, maxVersion: 'TLSv1.2' });
    const session = first.getSession()!;

    await put('crl.pem', await authority.revoke(ann.cert));
    await clock.advance(1_000);

    await expect(dial(server, { ...ann, maxVersion: 'TLSv1.2', session })).rejects.toThrow();
    expect(warned.join()).toContain('CERT_REVOKED');
  });
});

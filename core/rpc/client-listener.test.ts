import { once } from 'node:events';
import { link, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Logger, silentLogger } from '../base/logger.js';
import { ManualClock } from '../testing/manual-clock.js';
import { KVService } from './gen/kv.js';
import { type NetworkServer, serveGrpc, type ServeOptions } from './grpc-carrier.js';
import type { HttpFront } from './http-face.js';
import { FakeMember } from './testing/fake-member.js';
import { RawClient } from './testing/raw-client.js';
import { eventually } from './testing/served.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const range = KVService.range.requestDeserialize(Buffer.from('0a016b', 'hex'));

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

const echo: HttpFront = {
  handle(request, response) {
    request.on('data', () => {}).on('end', () => response.end(`${request.method} ${request.url}`));
  },
  close() {},
};

async function serve(options: Partial<ServeOptions> = {}): Promise<NetworkServer> {
  const member = options.member ?? answering(new FakeMember());
  const server = await serveGrpc({
    ...{ host: '127.0.0.1', port: 0, maxRequestBytes: 10_000, logger: silentLogger, http: () => echo },
    ...options,
    member,
  });
  releases.push(async () => {
    const closing = server.close();
    if (member.clock instanceof ManualClock) await member.clock.advance(60_000);
    await closing;
  });
  return server;
}

function answering(member: FakeMember): FakeMember {
  member.range = async () => ({ type: 'range', revision: 100, kvs: [], count: 0, more: false });
  return member;
}

async function dial(server: NetworkServer): Promise<Socket & { heard: string }> {
  const socket = Object.assign(connect(server.port, server.host), { heard: '' });
  releases.push(() => socket.destroy());
  socket.on('error', () => {}).on('data', (bytes) => (socket.heard += bytes.toString('latin1')));
  await once(socket, 'connect');
  return socket;
}

async function revisionAt(to: ConstructorParameters<typeof RawClient>[0]): Promise<number | undefined> {
  const client = new RawClient(to);
  releases.push(() => client.close());
  return (await client.unary(KVService.range, range)).header?.revision;
}

function bodyAt(to: { host: string; port: number } | { socketPath: string }): Promise<string> {
  const options = 'host' in to ? { host: to.host, port: to.port } : to;
  return new Promise((resolve, reject) => {
    httpGet({ ...options, path: '/health' }, (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => (body += bytes.toString())).on('end', () => resolve(body));
    }).on('error', reject);
  });
}

function keeping(lines: string[]): Logger {
  return { ...silentLogger, warn: (_fields, message) => lines.push(message) };
}

describe('one port', () => {
  test('serves gRPC and HTTP/1.1', async () => {
    const server = await serve();

    expect(await revisionAt(server)).toBe(100);
    expect(await bodyAt(server)).toBe('GET /health');
  });

  test('finds nothing over HTTP/1.1 where only gRPC was asked for', async () => {
    const server = await serve({ http: undefined });
    expect(await bodyAt(server)).toBe('404 page not found\n');
  });

  test('takes a preface or a request that comes byte by byte', async () => {
    const server = await serve();
    const [http1, http2] = [await dial(server), await dial(server)];
    for (const byte of 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n') {
      http1.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // An empty frame of settings follows the preface.
    for (const byte of `${PREFACE}\0\0\0\x04\0\0\0\0\0`) {
      http2.write(Buffer.from(byte, 'latin1'));
      await new Promise((resolve) => setImmediate(resolve));
    }

    await eventually(() => http1.heard.includes('GET /health'));
    await eventually(() => http2.heard.length >= 9);
    expect(http2.heard.charCodeAt(3)).toBe(4);
  });

  test('takes a long request whose body comes with its first bytes', async () => {
    const server = await serve();
    const socket = await dial(server);
    socket.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'y'.repeat(200_000)}`);
    await eventually(() => socket.heard.includes('POST /x'));
  });

  test('closes what stays silent, and half a preface, after firstBytesMs and not before', async () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const server = await serve({
      member: answering(new FakeMember(clock)),
      limits: { firstBytesMs: 3_000 },
      logger: keeping(lines),
    });
    const [silent, half] = [await dial(server), await dial(server)];
    half.write(PREFACE.slice(0, 12));
    await eventually(() => server.counts.open === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));

    await clock.advance(2_999);
    expect(server.counts.open).toBe(2);
    await clock.advance(1);

    await eventually(() => silent.closed && half.closed);
    expect(server.counts.refused.silent).toBe(2);
    // Said once a minute, however many there are.
    expect(lines).toEqual(['closed a connection that did not say what it speaks']);
  });

  test('lets a connection go that ends in the middle of a preface', async () => {
    const server = await serve();
    const half = await dial(server);
    half.end(PREFACE.slice(0, 12));
    await once(half, 'close');
    await eventually(() => server.counts.open === 0);
  });

  test('refuses TLS where it speaks plain text, and counts that', async () => {
    const server = await serve();
    const socket = await dial(server);
    socket.write(Buffer.from('160301020001000001fc0303', 'hex'));
    await once(socket, 'close');
    expect(server.counts.refused.tls).toBe(1);
  });

  test('closes a request whose head does not come', async () => {
    const front: HttpFront = { ...echo, configure: (http) => void (http.headersTimeout = 100) };
    const server = await serve({ http: () => front });
    const slow = await dial(server);
    slow.write('GET / HTTP/1.1\r\nHost:');
    await eventually(() => slow.heard.startsWith('HTTP/1.1 408'));
  });

  test('answers a request that is under way before it closes, and then closes', async () => {
    let finish = () => {};
    const http = () => ({
      ...echo,
      handle: (_: unknown, response: { end(body: string): void }) => void (finish = () => response.end('late')),
    });
    const server = await serve({ http });
    const body = bodyAt(server);
    const idle = await dial(server);
    await eventually(() => server.counts.open === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));

    const closing = server.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    finish();

    expect(await body).toBe('late');
    await closing;
    await eventually(() => idle.closed);
  });
});

test('gRPC and HTTP may have a port each, and refuse the other there', async () => {
  const [grpc, http] = [await serve({ serves: 'grpc' }), await serve({ serves: 'http' })];

  expect(await revisionAt(grpc)).toBe(100);
  expect(await bodyAt(http)).toBe('GET /health');
  await expect(bodyAt(grpc)).rejects.toThrow();
  await expect(revisionAt(http)).rejects.toThrow();
  expect([grpc.counts.refused.notHere, http.counts.refused.notHere > 0]).toEqual([1, true]);
});

test('IPv6 is listened on', async () => {
  const server = await serve({ host: '::1' });
  expect(await bodyAt({ host: '::1', port: server.port })).toBe('GET /health');
  expect(await revisionAt({ host: '[::1]', port: server.port })).toBe(100);
});

describe('a unix socket', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-socket-'));
    path = join(folder, 'member.sock');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('is served on, with the permissions that are given, and is gone afterwards', async () => {
    const server = await serve({ socketFile: { path, mode: 0o600 } });

    expect(await bodyAt({ socketPath: path })).toBe('GET /health');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await server.close();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('that a killed process left behind is replaced', async () => {
    const dead = createServer().listen(path);
    await once(dead, 'listening');
    // What a kill leaves: the name of a socket on which nobody listens.
    await link(path, `${path}.kept`);
    dead.close();
    await once(dead, 'close');
    await rename(`${path}.kept`, path);

    await serve({ socketFile: { path } });
    expect(await bodyAt({ socketPath: path })).toBe('GET /health');
  });

  test('on which somebody answers is left alone', async () => {
    await serve({ socketFile: { path } });
    await expect(serve({ socketFile: { path } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(await bodyAt({ socketPath: path })).toBe('GET /health');
  });

  test('never takes the place of another file', async () => {
    await writeFile(path, 'precious');
    await expect(serve({ socketFile: { path } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', value: path });
    expect((await stat(path)).size).toBe(8);
  });
});

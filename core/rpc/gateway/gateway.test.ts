import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ClosedError, EmptyKeyError, LeaseNotFoundError, MemberNotLeaderError } from '../../base/errors.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { HttpMember } from '../http/testing/http-member.js';
import type { HttpFrontParts } from '../http/http-front.js';
import type { RangeRequest } from '../../base/operation.js';
import { FakeMember } from '../testing/fake-member.js';
import { Gateway } from './gateway.js';

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function serve(member = new FakeMember(), parts: Partial<HttpFrontParts> = {}) {
  const server = await HttpMember.start(member, parts);
  releases.push(() => server.close());
  return server;
}

/** What a range is asked for, and answers. */
function answering(member: FakeMember) {
  const asked: RangeRequest[] = [];
  member.range = async (request) => {
    asked.push(request);
    const kv = { key: Buffer.from('foo'), value: Buffer.from('bar'), version: 1, lease: 0n };
    return {
      ...{ type: 'range', revision: 7, count: 1, more: false },
      kvs: [{ ...kv, createRevision: 2, modRevision: 2 }],
    };
  };
  return asked;
}

const HEADER = { cluster_id: '11', member_id: '22', revision: '7', raft_term: '3' };
const WATCH_HEADER = { ...HEADER, revision: '100' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** The lines of a stream as they come. */
async function linesOf(server: HttpMember, path: string, body: object | string) {
  const request = server.open(path);
  request.on('error', () => undefined);
  request.write(typeof body === 'string' ? body : JSON.stringify(body));
  const end = () => request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  response.on('error', () => undefined);
  let rest = '';
  const next = async (): Promise<unknown> => {
    while (!rest.includes('\n')) {
      const chunk = (response.read() as string | null) ?? undefined;
      if (chunk === undefined) {
        if (response.readableEnded) return undefined;
        await Promise.race([once(response, 'readable'), once(response, 'end')]);
      } else rest += chunk;
    }
    const [line = ''] = rest.split('\n', 1);
    rest = rest.slice(line.length + 1);
    return JSON.parse(line) as unknown;
  };
  return { request, response, next, end };
}

describe('a call', () => {
  test('is answered in the JSON of etcd: texts for bytes and long integers, nothing for what is zero', async () => {
    const member = new FakeMember();
    const asked = answering(member);
    const server = await serve(member);

    const answer = await server.ask('/v3/kv/range', { key: base64('foo'), limit: '5', sort_order: 'DESCEND' });

    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(answer.text)).toEqual({
      header: HEADER,
      kvs: [{ key: base64('foo'), create_revision: '2', mod_revision: '2', version: '1', value: base64('bar') }],
      count: '1',
    });
    expect(asked).toMatchObject([{ limit: 5, sortOrder: 'descend' }]);
  });

  test('takes names in both spellings, numbers in both forms, and does not look at names it does not know', async () => {
    const member = new FakeMember();
    const asked = answering(member);
    const server = await serve(member);

    await server.ask('/v3/kv/range', { key: 'Zm9v', rangeEnd: 'Zm9w', limit: 3, sortOrder: 2, other: { a: 1 } });
    await server.ask('/v3beta/kv/range', {
      key: 'Zm9v',
      range_end: 'Zm9w',
      limit: '3',
      sort_order: 'ASCEND',
      keys_only: true,
    });

    expect(asked).toMatchObject([
      { end: Buffer.from('fop'), limit: 3, sortOrder: 'descend' },
      { end: Buffer.from('fop'), limit: 3, keysOnly: true },
    ]);
  });

  test('keeps ids of 64 bits exact, as numbers too', async () => {
    const member = new FakeMember();
    const ids: bigint[] = [];
    member.leaseRevoke = async (id) => (ids.push(id), { revision: 7 });
    const server = await serve(member);

    await server.ask('/v3/lease/revoke', '{"ID":7587862969930098182}');
    await server.ask('/v3/kv/lease/revoke', '{"ID":"7587862969930098183"}');

    expect(ids).toEqual([7587862969930098182n, 7587862969930098183n]);
  });

  test('with an empty body is one with an empty message, and what follows the first value is not looked at', async () => {
    const member = new FakeMember();
    const asked = answering(member);
    const server = await serve(member);

    expect(await server.ask('/v3/kv/range', '')).toMatchObject({ status: 200 });
    expect(await server.ask('/v3/kv/range', '{"key":"Zm9v"} trailing text')).toMatchObject({ status: 200 });
    expect(asked).toMatchObject([{ key: Buffer.alloc(0) }, { key: Buffer.from('foo') }]);
  });

  test.each([
    [new EmptyKeyError(), 400, 3, 'etcdserver: key is not provided'],
    [new LeaseNotFoundError(1n), 404, 5, 'etcdserver: requested lease not found'],
    [new MemberNotLeaderError(), 400, 9, 'etcdserver: not leader'],
    [new TypeError('a bug'), 500, 13, 'internal error'],
  ])('that fails with %p has the status of HTTP for it', async (error, status, code, message) => {
    const member = new FakeMember();
    member.range = () => Promise.reject(error);

    const answer = await (await serve(member)).ask('/v3/kv/range', { key: 'Zm9v' });

    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toEqual({ code, message, details: [] });
  });

  test.each([
    ['bad', "invalid character 'b' looking for beginning of value"],
    ['{"key":', 'unexpected EOF'],
    ['[]', 'cannot decode message etcdserverpb.RangeRequest from JSON'],
    ['{"key":"!!"}', 'field etcdserverpb.RangeRequest.key from JSON: invalid base64 string'],
    ['{"key":5}', 'expected Uint8Array'],
    ['{"key":"Zm9v","limit":1.5}', 'expected bigint (int64): 1.5 out of range'],
    ['{"key":"Zm9v","limit":"9223372036854775808"}', 'out of range'],
    ['{"key":"Zm9v","limit":9223372036854775808}', 'out of range'],
    ['['.repeat(201), 'at most 200 levels deep'],
  ])('with the body %.40s is refused and says why', async (body, reason) => {
    const answer = await (await serve()).ask('/v3/kv/range', body);

    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 3, message: expect.stringContaining(reason) as unknown });
  });

  test('carries a token, and what headers pass on', async () => {
    const member = new FakeMember();
    answering(member);
    member.leader = undefined;
    const server = await serve(member);
    const asking = { headers: { authorization: 'Bearer abc.1', 'grpc-metadata-hasleader': 'true' } };

    const refused = await server.ask('/v3/kv/range', { key: 'Zm9v' }, asking);
    await server.ask('/v3/kv/range', { key: 'Zm9v' }, { headers: { authorization: 'abc.2' } });

    expect(refused).toMatchObject({ status: 503, text: expect.stringContaining('etcdserver: no leader') as unknown });
    expect(member.credentials).toEqual([{ token: 'abc.2' }]);
  });

  test('of a service that is not there is not implemented', async () => {
    const gateway = new Gateway({ clock: new ManualClock(), messageBytesMax: 100 });
    const server = createServer((request, response) => gateway.handle('/v3/lock/lock', request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    releases.push(() => server.close());

    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/v3/lock/lock`, { method: 'POST', body: '{}' });

    expect(answer.status).toBe(501);
    expect(await answer.json()).toEqual({ code: 12, message: 'unknown service v3lockpb.Lock', details: [] });
  });
});

describe('a call that comes slowly, or not at all', () => {
  test('is answered when its body takes too long', async () => {
    const clock = new ManualClock();
    const server = await serve(new FakeMember(clock), { limits: { bodyMs: 1_000 } });
    const request = server.open('/v3/kv/range');
    request.write('{"key":');
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    while (server.front.gateway.bodyBytes === 0) await new Promise(setImmediate);

    await clock.advance(1_000);

    const [response] = await answered;
    expect(response.statusCode).toBe(504);
    request.on('error', () => undefined).destroy();
  });

  test('is answered when it waited as long as its client would', async () => {
    const clock = new ManualClock();
    const member = new FakeMember(clock);
    const asked = new Promise<void>((resolve) => (member.range = () => (resolve(), new Promise(() => {}))));
    const server = await serve(member);
    const answered = server.ask('/v3/kv/range', { key: 'Zm9v' }, { headers: { 'grpc-timeout': '2S' } });
    await asked;

    await clock.advance(2_000);

    expect(await answered).toMatchObject({ status: 504 });
    const bad = await server.ask('/v3/kv/range', { key: 'Zm9v' }, { headers: { 'grpc-timeout': 'zzz' } });
    expect(bad).toMatchObject({ status: 400, text: expect.stringContaining('invalid grpc-timeout: zzz') as unknown });
  });

  test('leaves nothing behind when its client goes away', async () => {
    const member = new FakeMember();
    const server = await serve(member);
    const request = server.open('/v3/kv/range');
    request.on('error', () => undefined);
    request.write('{"key":');
    while (server.front.gateway.bodyBytes === 0) await new Promise(setImmediate);

    request.destroy();

    while (server.front.gateway.callCount > 0) await new Promise(setImmediate);
    expect(server.front.gateway.bodyBytes).toBe(0);
  });
});

describe('a call that is too large', () => {
  const put = (valueBytes: number) => ({ key: 'Zm9v', value: Buffer.alloc(valueBytes).toString('base64') });

  test('may be as large as a message, and not a byte larger', async () => {
    const member = new FakeMember();
    member.put = async () => ({ type: 'put', revision: 7 });
    const server = await serve(member, { messageBytesMax: 1_000 });
    // The key is five bytes of it, the head of the value three.
    const largest = 1_000 - 8;

    expect(await server.ask('/v3/kv/put', put(largest))).toMatchObject({ status: 200 });
    const refused = await server.ask('/v3/kv/put', put(largest + 1));
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.text)).toMatchObject({
      code: 8,
      message: 'grpc: received message larger than max (1001 vs. 1000)',
    });
  });

  test('is refused before it is all read, and its client hears so', async () => {
    const server = await serve(new FakeMember(), { messageBytesMax: 1_000 });

    const refused = await server.ask('/v3/kv/put', put(1_000_000));

    expect(refused).toMatchObject({ status: 429, text: expect.stringContaining('larger than 2000 bytes') as unknown });
  });

  test('finds no room where others take it all', async () => {
    const server = await serve(new FakeMember(), { limits: { bodiesBytesMax: 100 } });
    const first = server.open('/v3/kv/put');
    first.on('error', () => undefined);
    first.write(`{"key":"${'A'.repeat(80)}`);
    while (server.front.gateway.bodyBytes === 0) await new Promise(setImmediate);

    expect(await server.ask('/v3/kv/put', put(20))).toMatchObject({ status: 429 });
    first.destroy();
  });

  test('is one too many where others are under way', async () => {
    const member = new FakeMember();
    answering(member);
    const server = await serve(member, { limits: { callsMax: 1 } });
    const first = server.open('/v3/kv/put');
    first.on('error', () => undefined);
    first.write('{');
    while (server.front.gateway.callCount === 0) await new Promise(setImmediate);

    expect(await server.ask('/v3/kv/range', { key: 'Zm9v' })).toMatchObject({ status: 429 });
    first.destroy();
    while (server.front.gateway.callCount > 0) await new Promise(setImmediate);
    expect(await server.ask('/v3/kv/range', { key: 'Zm9v' })).toMatchObject({ status: 200 });
  });
});

describe('a stream', () => {
  test('brings its answers line by line, and goes on after its requests have ended', async () => {
    const member = new FakeMember();
    const server = await serve(member);
    const { next, end, request } = await linesOf(server, '/v3/watch', { create_request: { key: 'Zm9v' } });

    expect(await next()).toEqual({ result: { header: WATCH_HEADER, created: true } });
    end();
    member.watchers[0]?.puts([101]);

    expect(await next()).toMatchObject({ result: { events: [{ kv: { key: base64('k'), mod_revision: '101' } }] } });
    request.destroy();
    while (server.front.gateway.callCount > 0) await new Promise(setImmediate);
    expect(member.watchers[0]?.isCancelled).toBe(true);
  });

  test('takes further requests while it answers', async () => {
    const member = new FakeMember();
    const server = await serve(member);
    const { next, request } = await linesOf(server, '/v3/watch', { create_request: { key: 'Zm9v' } });
    await next();

    request.write(JSON.stringify({ create_request: { key: 'Zm9w' } }));

    expect(await next()).toEqual({ result: { header: WATCH_HEADER, watch_id: '1', created: true } });
    request.destroy();
  });

  test('of renewals answers each and ends with its requests', async () => {
    const member = new FakeMember();
    member.leaseKeepAlive = async (id) => ({ revision: 7, ttlSeconds: Number(id) });
    const server = await serve(member);

    const answer = await server.ask('/v3/lease/keepalive', '{"ID":"60"}\n{"ID":"0"}');

    const lines = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([{ result: { header: HEADER, ID: '60', TTL: '60' } }, { result: { header: HEADER } }]);
  });

  test('of one request brings its answers, and is let go', async () => {
    const member = new FakeMember();
    let isClosed = false;
    member.snapshot = () => ({
      sizeBytes: 5,
      async *chunks() {
        yield Buffer.from('hello');
      },
      close: () => (isClosed = true),
    });
    const server = await serve(member);

    const answer = await server.ask('/v3/maintenance/snapshot', {});

    const blobs = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { result: { blob: string } });
    expect(Buffer.from(blobs[0]?.result.blob ?? '', 'base64').toString()).toBe('hello');
    expect(isClosed).toBe(true);
    expect(server.front.gateway.callCount).toBe(0);
  });

  test('that is refused has the status of HTTP for it', async () => {
    const member = new FakeMember();
    member.isLearner = true;

    const answer = await (await serve(member)).ask('/v3/watch', { create_request: { key: 'Zm9v' } });

    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual({
      error: { code: 9, message: 'etcdserver: rpc not supported for learner', details: [] },
    });
  });

  test('ends with an error on a line of its own', async () => {
    const server = await serve();
    const { next } = await linesOf(server, '/v3/watch', { create_request: { key: 'Zm9v' } });
    await next();

    server.handlers.endStreams(new ClosedError('the server'));

    expect(await next()).toEqual({ error: { code: 14, message: 'etcdserver: server stopped', details: [] } });
    expect(await next()).toBeUndefined();
  });

  test('ends with an error when what comes is no JSON', async () => {
    const server = await serve();
    const { next, request } = await linesOf(server, '/v3/watch', { create_request: { key: 'Zm9v' } });
    await next();

    request.write('bad ');

    expect(await next()).toMatchObject({ error: { code: 3 } });
    request.destroy();
  });

  test('is not fed faster than its client reads, and is lost by one that reads nothing', async () => {
    const clock = new ManualClock();
    const member = new FakeMember(clock);
    const server = await serve(member, { messageBytesMax: 1_000_000 });
    const { next, response, request } = await linesOf(server, '/v3/watch', { create_request: { key: 'Zm9v' } });
    await next();
    response.pause();
    const [watcher] = member.watchers;
    for (let revision = 101; revision < 301; revision += 1) watcher?.puts([revision], 100_000);
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);

    expect(watcher?.waitingCount).toBeGreaterThan(50);
    await clock.advance(60_000);
    while (server.front.gateway.callCount > 0) await new Promise(setImmediate);
    expect(watcher?.isCancelled).toBe(true);
    request.destroy();
  });
});

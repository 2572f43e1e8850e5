/** Requests that no client of gRPC would make: each is answered, and the next one is as if nothing had been. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { KVService } from './gen/kv.js';
import { FakeMember } from './testing/fake-member.js';
import { type Served, Servers } from './testing/served.js';

const RANGE = { ':method': 'POST', ':path': KVService.range.path, te: 'trailers' };
const GRPC = { ...RANGE, 'content-type': 'application/grpc' };
/** Of ours: `maxRequestBytes` of a test's server, and what a message may have beside. */
const MESSAGE_BYTES_MAX = 10_000 + 512 * 1024;

const servers = new Servers();
let served: Served;
let session: ClientHttp2Session;

beforeEach(async () => {
  const member = new FakeMember();
  member.range = async () => ({ type: 'range', revision: 7, kvs: [], count: 0, more: false });
  served = await servers.serve(member);
  session = connect(`http://127.0.0.1:${served.server.port}`).on('error', () => {});
});

afterEach(async () => {
  await expect(ask(GRPC)).resolves.toMatchObject({ status: 200, grpc: '0' });
  session.destroy();
  await servers.end();
});

interface Answer {
  readonly status: number;
  /** Of gRPC; undefined if the answer has none. */
  readonly grpc: string | undefined;
  readonly text: string | undefined;
}

/** Asks on a stream of its own; the body is all that is sent. */
async function ask(headers: OutgoingHttpHeaders, body: Buffer = message(Buffer.alloc(0))): Promise<Answer> {
  const stream = session.request(headers);
  stream.end(body);
  return answerOf(stream);
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let [head, trailers]: Partial<Record<string, string>>[] = [{}, {}];
  stream.on('response', (headers) => (head = headers as typeof head));
  stream.on('trailers', (headers) => (trailers = headers as typeof trailers));
  stream.on('error', () => {});
  stream.resume();
  // The server may have said all while we have not.
  await once(stream, 'end');
  stream.destroy();
  const all = { ...head, ...trailers };
  const text = all['grpc-message'];
  return {
    status: Number(all[':status']),
    grpc: all['grpc-status'],
    text: text === undefined ? undefined : decodeURIComponent(text),
  };
}

/** As gRPC has it: whether it is compressed, how long it is, and its bytes. */
function message(bytes: Buffer, { compressed = 0, length = bytes.length } = {}): Buffer {
  const header = Buffer.alloc(5);
  header[0] = compressed;
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, bytes]);
}

describe('a request', () => {
  test.each(['text/plain', 'application/json', 'application/x-www-form-urlencoded', ''])(
    'of the content type %j is refused as such',
    async (contentType) => {
      expect(await ask({ ...RANGE, 'content-type': contentType })).toMatchObject({ status: 415 });
    },
  );

  test('without a content type is refused as such', async () => {
    expect(await ask(RANGE)).toMatchObject({ status: 415 });
  });

  test.each(['/', '/etcdserverpb.KV', '/etcdserverpb.KV/', '/etcdserverpb.KV/Range/', '/no.Such/Range', '/%00'])(
    'to the path %s is one of an unknown method',
    async (path) => {
      expect(await ask({ ...GRPC, ':path': path })).toMatchObject({ status: 200, grpc: '12' });
    },
  );

  test('compressed in a way that nobody knows is not implemented', async () => {
    const answer = await ask({ ...GRPC, 'grpc-encoding': 'zstd' }, message(Buffer.alloc(8), { compressed: 1 }));

    expect(answer).toMatchObject({ status: 200, grpc: '12' });
  });

  test.each(['gzip', 'deflate'])('that says it is %s and is not ends with a status', async (encoding) => {
    const answer = await ask({ ...GRPC, 'grpc-encoding': encoding }, message(Buffer.alloc(8, 1), { compressed: 1 }));

    expect(answer).toMatchObject({ status: 200, grpc: expect.stringMatching(/^(3|13)$/) as unknown });
  });

  test('without a message ends with a status', async () => {
    expect(await ask(GRPC, Buffer.alloc(0))).toMatchObject({ status: 200, grpc: expect.stringMatching(/^(12|13)$/) });
  });

  test('whose message is cut short ends with a status', async () => {
    const answer = await ask(GRPC, message(Buffer.alloc(3), { length: 1_000 }));

    expect(answer).toMatchObject({ status: 200, grpc: expect.stringMatching(/^(12|13)$/) });
  });

  test('that announces more than is taken is refused before the rest comes', async () => {
    const stream = session.request(GRPC);
    stream.write(message(Buffer.alloc(3), { length: 2 ** 32 - 1 }));

    expect(await answerOf(stream)).toMatchObject({ grpc: '8', text: expect.stringContaining(`${MESSAGE_BYTES_MAX}`) });
  });

  test('with a second message is answered or refused, but ends', async () => {
    const two = Buffer.concat([message(Buffer.alloc(0)), message(Buffer.alloc(0))]);

    expect(await ask(GRPC, two)).toMatchObject({ status: 200, grpc: expect.stringMatching(/^(0|12|13)$/) });
  });

  test('whose deadline makes no sense ends with a status', async () => {
    const answers = await Promise.all(
      ['', 'x', '1', '-1S', '999999999H', '1e3S'].map((timeout) => ask({ ...GRPC, 'grpc-timeout': timeout })),
    );

    for (const answer of answers) expect(answer).toMatchObject({ grpc: expect.stringMatching(/^\d+$/) });
  });
});

import { once } from 'node:events';
import { constants, createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../base/system-clock.js';
import { makeAuthority } from '../peer/testing/certificates.js';
import { ManualClock } from '../testing/manual-clock.js';
import { toFrame } from './grpc-frames.js';
import { type CallEnd, GrpcSession, type Method } from './grpc-session.js';
import { clientSettings, type EndpointAddress } from './settings.js';
import { FaultyLink } from './testing/faulty-link.js';
import { after, eventually } from './testing/stores.js';

const ECHO: Method<string, string> = {
  path: '/test/echo',
  requestSerialize: (text) => Buffer.from(text),
  responseDeserialize: (bytes) => bytes.toString(),
};
const OK = { ':status': 200, 'content-type': 'application/grpc' };

type Act = (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void;

async function listening(server: Http2Server, act: Act): Promise<number> {
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    act(stream, headers);
  });
  server.on('sessionError', () => {});
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(async () => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function connected(address: EndpointAddress, clock = systemClock): Promise<GrpcSession> {
  const settings = clientSettings({ clock, keepAliveMs: 1_000, keepAliveTimeoutMs: 500 });
  const session = await GrpcSession.connect(address, settings, new AbortController().signal);
  after(async () => session.close());
  return session;
}

async function connectedTo(act: Act): Promise<GrpcSession> {
  return connected({ host: '127.0.0.1', port: await listening(createServer(), act) });
}

/** One call with one request: its answers and its end. */
function call(session: GrpcSession, request = 'hello'): Promise<{ messages: string[]; end: CallEnd }> {
  return new Promise((resolve) => {
    const messages: string[] = [];
    const open = session.open(ECHO, {
      onMessage: (message) => messages.push(message),
      onEnd: (end) => resolve({ messages, end }),
    });
    open.write(request);
    open.end();
  });
}

describe('a call', () => {
  test('carries a request there and an answer back', async () => {
    let asked: Record<string, unknown> = {};
    const session = await connectedTo((stream, headers) => {
      asked = headers;
      stream.respond(OK, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.pipe(stream);
    });

    const { messages, end } = await call(session, 'x'.repeat(3_000_000));

    expect(messages.map((message) => message.length)).toEqual([3_000_000]);
    expect(end).toMatchObject({ code: status.OK, by: 'server', isNotSent: false });
    expect(asked).toMatchObject({ ':path': '/test/echo', 'content-type': 'application/grpc', te: 'trailers' });
    expect(asked).toMatchObject({ hasleader: 'true' });
  });

  test('that any member may answer, leader or not, does not want a leader', async () => {
    let asked: Record<string, unknown> = {};
    const session = await connectedTo((stream, headers) => {
      asked = headers;
      stream.respond({ ...OK, 'grpc-status': '0' }, { endStream: true });
    });
    await new Promise((resolve) => session.open(ECHO, { onMessage: () => {}, onEnd: resolve }, false).end());

    expect(asked).not.toHaveProperty('hasleader');
  });

  test('ends with the status that the server gives, with or without an answer before', async () => {
    const session = await connectedTo((stream) =>
      stream.respond({ ...OK, 'grpc-status': '14', 'grpc-message': 'no%20leader' }, { endStream: true }),
    );

    const { end } = await call(session);

    expect(end).toEqual({ code: status.UNAVAILABLE, details: 'no leader', by: 'server', isNotSent: false });
  });

  test('ends though the server has not read all that is written', async () => {
    const session = await connectedTo((stream) => stream.respond({ ...OK, 'grpc-status': '7' }, { endStream: true }));

    const end = await new Promise<CallEnd>((resolve) => {
      session.open(ECHO, { onMessage: () => {}, onEnd: resolve }).write('and more to come');
    });

    expect(end.code).toBe(status.PERMISSION_DENIED);
  });

  test('that a proxy answers has the meaning of its status', async () => {
    const session = await connectedTo((stream) => {
      stream.respond({ ':status': 503, 'content-type': 'text/html' });
      stream.end('<h1>no</h1>');
    });

    expect((await call(session)).end).toMatchObject({ code: status.UNAVAILABLE, by: 'server' });
  });

  test('that was refused unread was not sent', async () => {
    const session = await connectedTo((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));

    expect((await call(session)).end).toMatchObject({ isNotSent: true });
  });

  test('that was broken off may have been carried out', async () => {
    const session = await connectedTo((stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));

    expect((await call(session)).end).toMatchObject({ by: 'stream', isNotSent: false });
  });

  test('on a connection that the server gives up with an error may have been carried out, whatever the code', async () => {
    const session = await connectedTo((stream) => {
      stream.session?.goaway(constants.NGHTTP2_REFUSED_STREAM);
    });

    expect((await call(session)).end).toMatchObject({ by: 'connection', isNotSent: false });
  });

  test('on a connection that breaks may have been carried out', async () => {
    const session = await connectedTo((stream) => stream.session?.destroy());
    let gone = '';
    session.onGone((why) => (gone = why));

    expect((await call(session)).end).toMatchObject({ by: 'connection', isNotSent: false });
    await eventually(() => gone !== '');
    expect(() => session.open(ECHO, { onMessage: () => {}, onEnd: () => {} })).toThrow();
  });

  test('with an answer that is no message ends as broken', async () => {
    const session = await connectedTo((stream) => {
      stream.respond(OK);
      stream.write(Buffer.from([1, 0, 0, 0, 0]));
    });

    expect((await call(session)).end).toMatchObject({ code: status.INTERNAL, by: 'stream' });
  });

  test('that is cancelled is heard of no more', async () => {
    let isCancelled = false;
    const session = await connectedTo((stream) => {
      stream.respond(OK);
      stream.write(toFrame(Buffer.from('one')));
      stream.on('close', () => (isCancelled = stream.rstCode === constants.NGHTTP2_CANCEL));
    });
    let heard = 0;
    const open = session.open(ECHO, { onMessage: () => ((heard += 1), open.cancel()), onEnd: () => (heard += 100) });
    open.write('hello');

    await eventually(() => isCancelled);
    open.cancel();
    open.write('nobody');

    expect(heard).toBe(1);
  });
});

describe('a connection', () => {
  test('over which nothing comes while a call is under way is asked, and given up without an answer', async () => {
    const port = await listening(createServer(), () => {});
    const link = await FaultyLink.open({ host: '127.0.0.1', port });
    after(() => link.close());
    const clock = new ManualClock();
    const session = await connected(link, clock);
    let gone = 0;
    session.onGone(() => (gone += 1));
    const ending = call(session);

    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(999);
    expect(gone).toBe(0);
    link.freeze();
    await clock.advance(1);
    await clock.advance(500);

    await eventually(() => gone === 1);
    expect((await ending).end).toMatchObject({ by: 'connection' });
  });

  test('on which nothing is under way is left alone', async () => {
    const link = await FaultyLink.open({ host: '127.0.0.1', port: await listening(createServer(), () => {}) });
    after(() => link.close());
    const clock = new ManualClock();
    const session = await connected(link, clock);
    let gone = 0;
    session.onGone(() => (gone += 1));
    link.freeze();

    await clock.advance(10_000);

    expect(gone).toBe(0);
  });

  test('over TLS trusts whom the given authority vouches for, and shows its own certificate', async () => {
    const authority = await makeAuthority();
    const [own, wanted] = [await authority.issue({ hosts: ['members.example'] }), await authority.issue()];
    const server = createSecureServer({ ...keyOf(own), ca: Buffer.from(authority.certificate), requestCert: true });
    const port = await listening(server, (stream) =>
      stream.respond({ ...OK, 'grpc-status': '0' }, { endStream: true }),
    );
    const tls = { ca: authority.certificate, ...keyOf(wanted), serverName: 'members.example' };

    const session = await connected({ host: '127.0.0.1', port, tls });

    expect((await call(session)).end.code).toBe(status.OK);
  });

  test.each([
    ['another authority vouches for', true, undefined],
    ['bears another name', false, 'other.example'],
  ])('over TLS to one that %s is not made', async (_, isStranger, serverName) => {
    const authority = await makeAuthority();
    const stranger = await makeAuthority('a stranger');
    const own = await authority.issue({ hosts: ['127.0.0.1'] });
    const port = await listening(createSecureServer(keyOf(own)), () => {});
    const { certificate: ca } = isStranger ? stranger : authority;

    const connecting = connected({ host: '127.0.0.1', port, tls: { ca, ...(serverName && { serverName }) } });

    await expect(connecting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(connecting).rejects.toThrow(`127.0.0.1:${port} could not be reached: `);
  });

  test('is called off with the signal', async () => {
    const link = await FaultyLink.open({ host: '127.0.0.1', port: await listening(createServer(), () => {}) });
    after(() => link.close());
    link.freeze();
    const stop = new AbortController();
    const connecting = GrpcSession.connect(link, clientSettings({}), stop.signal);
    const failing = expect(connecting).rejects.toThrow('enough');

    stop.abort(new Error('enough'));

    await failing;
  });
});

function keyOf({ cert, key }: { readonly cert: Uint8Array; readonly key: Uint8Array }): { cert: Buffer; key: Buffer } {
  return { cert: Buffer.from(cert), key: Buffer.from(key) };
}

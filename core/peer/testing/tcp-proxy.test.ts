import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TcpProxy } from './tcp-proxy.js';
import { until } from './world.js';

/** What either end has seen. */
interface End {
  readonly socket: Socket;
  text: string;
  /** How it ended; undefined while it is open. */
  ended: string | undefined;
}

let target: Server;
let proxy: TcpProxy;
let accepted: End[];
const sockets: Socket[] = [];

beforeEach(async () => {
  accepted = [];
  target = createServer((socket) => accepted.push(follow(socket)));
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  proxy = await TcpProxy.start((target.address() as AddressInfo).port);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  await once(target.close(), 'close');
});

function follow(socket: Socket): End {
  sockets.push(socket);
  const end: End = { socket, text: '', ended: undefined };
  socket.on('data', (chunk) => (end.text += chunk.toString()));
  socket.on('error', (error: NodeJS.ErrnoException) => (end.ended = error.code));
  socket.on('close', () => (end.ended ??= 'closed'));
  return end;
}

const dial = () => follow(connect(proxy.port, '127.0.0.1'));

async function connected(): Promise<readonly [End, End]> {
  const near = dial();
  await until(() => accepted.length > 0);
  return [near, accepted[0]!];
}

test('it carries bytes both ways, and an end', async () => {
  const [near, far] = await connected();
  near.socket.write('ping');
  far.socket.write('pong');
  await until(() => far.text === 'ping' && near.text === 'pong');

  near.socket.end();
  await until(() => far.ended === 'closed');
  await until(() => proxy.connectionCount === 0);
});

test('it swallows bytes one way, and carries the other', async () => {
  const [near, far] = await connected();
  await proxy.set({ type: 'drop', ways: ['toTarget'] });
  near.socket.write('lost');
  far.socket.write('kept');
  await until(() => near.text === 'kept');
  expect(far.text).toBe('');
});

test('a connection through a proxy that swallows everything does not see that the other end is gone', async () => {
  const [near, far] = await connected();
  await proxy.set({ type: 'drop', ways: ['toTarget', 'fromTarget'] });
  far.socket.destroy();
  near.socket.write('is anybody there?');
  await until(() => far.ended !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(near.ended).toBeUndefined();
});

test('a connection that lost bytes is reset when it would carry again; one that lost none goes on', async () => {
  const [near, far] = await connected();
  await proxy.set({ type: 'drop', ways: ['toTarget'] });
  await proxy.set({ type: 'pass' });
  near.socket.write('hello');
  await until(() => far.text === 'hello');

  await proxy.set({ type: 'drop', ways: ['toTarget'] });
  near.socket.write('lost');
  await new Promise((resolve) => setTimeout(resolve, 20));
  await proxy.set({ type: 'pass' });
  await until(() => near.ended === 'ECONNRESET');
});

test('refusing closes what is open and lets the system refuse what is new, on the same port later on', async () => {
  const [near] = await connected();
  const { port } = proxy;
  await proxy.set({ type: 'refuse' });
  await until(() => near.ended !== undefined);
  const late = dial();
  await until(() => late.ended === 'ECONNREFUSED');

  await proxy.set({ type: 'pass' });
  expect(proxy.port).toBe(port);
  dial().socket.write('again');
  await until(() => accepted.some(({ text }) => text === 'again'));
});

test('it resets what is open, and what is new', async () => {
  const [near] = await connected();
  await proxy.set({ type: 'reset' });
  await until(() => near.ended === 'ECONNRESET');
  const late = dial();
  await until(() => late.ended !== undefined);
});

test('it delays bytes and keeps their order, also when it stops delaying', async () => {
  const [near, far] = await connected();
  await proxy.set({ type: 'delay', ms: 50 });
  const sentMs = performance.now();
  near.socket.write('first ');
  await new Promise((resolve) => setTimeout(resolve, 10));
  await proxy.set({ type: 'pass' });
  near.socket.write('second');
  await until(() => far.text === 'first second');
  expect(performance.now() - sentMs).toBeGreaterThanOrEqual(49);
});

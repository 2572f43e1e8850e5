import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LinkRules } from './link-rules.js';
import { PeerGate } from './peer-gate.js';
import { ownerOf } from './socket-owner.js';

let echo: Server;
let gate: PeerGate;
let rules: LinkRules;
const sockets: Socket[] = [];

/** Everybody who dials is `a`, and the gate is before `b`, which sends back what it gets. */
beforeEach(async () => {
  rules = new LinkRules();
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port: targetPort } = echo.address() as AddressInfo;
  const gateRules = {
    dialer: () => 'a',
    direction: (from?: string, to?: string) => rules.direction(from, to),
    isRefused: (one?: string, other?: string) => rules.isRefused(one, other),
  };
  gate = await PeerGate.open('b', { port: 0, targetPort, rules: gateRules });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await gate.shut();
  echo.close();
});

function dialled(): Socket {
  const socket = connect(gate.port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

async function dial(): Promise<Socket> {
  const socket = dialled();
  await once(socket, 'connect');
  return socket;
}

/** A reset is an error too, for which `once` would not wait. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** What comes within a moment, which for loopback is long. */
async function heard(socket: Socket, withinMs = 60): Promise<string> {
  let text = '';
  const hear = (bytes: Buffer) => (text += bytes.toString());
  socket.on('data', hear);
  await new Promise((resolve) => setTimeout(resolve, withinMs));
  socket.off('data', hear);
  return text;
}

test.each([
  ['there', 'a', 'b'],
  ['back', 'b', 'a'],
] as const)('silence on the way %s holds bytes back until it is healed', async (_, from, to) => {
  const socket = await dial();
  rules.silence(from, to);
  gate.update();
  socket.write('one');
  expect(await heard(socket)).toBe('');

  socket.write('two');
  rules.heal();
  gate.update();
  expect(await heard(socket)).toBe('onetwo');
});

test('a connection made in silence is taken, and comes about when it is healed', async () => {
  rules.silence('b', 'a');
  const socket = await dial();
  socket.write('hello');
  expect(await heard(socket)).toBe('');

  rules.heal();
  gate.update();
  expect(await heard(socket)).toBe('hello');
});

test('a refusal breaks connections, and resets new ones', async () => {
  const socket = await dial();
  rules.refuse('a', 'b');
  const broken = closed(socket);
  gate.update();
  await broken;

  await closed(dialled());
});

test('a shut gate refuses as a dead process does, until it is opened again', async () => {
  await gate.shut();
  await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });

  await gate.reopen();
  const socket = await dial();
  socket.write('hello');
  expect(await heard(socket)).toBe('hello');
});

test('slow bytes come later, in their order', async () => {
  rules.delay('a', 'b', 80);
  const socket = await dial();
  for (const word of ['one', 'two', 'three']) socket.write(word);
  expect(await heard(socket, 40)).toBe('');
  rules.heal();
  expect(await heard(socket, 120)).toBe('onetwothree');
});

test('a narrow link lets through only so many bytes a second', async () => {
  rules.narrow('a', 'b', 1_000);
  const socket = await dial();
  socket.write('x'.repeat(100));
  expect(await heard(socket, 40)).toBe('');
  expect(await heard(socket, 200)).toHaveLength(100);
});

test('a reset breaks the connections there are, and new ones come about', async () => {
  const socket = await dial();
  const broken = closed(socket);
  gate.reset('a');
  await broken;

  const next = await dial();
  next.write('hello');
  expect(await heard(next)).toBe('hello');
});

test('a half-open connection stays open and silent, and new ones come about', async () => {
  const socket = await dial();
  socket.write('before');
  expect(await heard(socket)).toBe('before');
  gate.halfOpen('a');
  socket.write('after');
  expect(await heard(socket)).toBe('');
  expect(socket.readyState).toBe('open');

  const next = await dial();
  next.write('hello');
  expect(await heard(next)).toBe('hello');
  gate.update();
  expect(await heard(socket)).toBe('');
});

test('the process that dials is found by its connection', async () => {
  const socket = await dial();
  const connection = { nearPort: socket.localPort as number, farPort: gate.port };

  expect(ownerOf(connection, [1, process.pid])).toBe(process.platform === 'linux' ? process.pid : undefined);
  expect(ownerOf(connection, [])).toBeUndefined();
});

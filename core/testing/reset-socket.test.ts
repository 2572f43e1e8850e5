import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { resetSocket } from './reset-socket.js';

async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  near.on('error', () => undefined);
  return { near, far };
}

test('who is at the other end of a connection learns that it was reset', async () => {
  const { near, far } = await pair();
  const learned = once(far, 'error');
  resetSocket(near);

  expect(await learned).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('a connection that is just ending is closed', async () => {
  const { near, far } = await pair();
  far.on('error', () => undefined);
  near.end();
  // Long enough for the end to be on its way, and not long enough for it to have been sent.
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => process.nextTick(resolve));

  resetSocket(near);

  await once(near, 'close');
  far.destroy();
});

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connect, heartbeat, PeerWorld, until } from './testing/world.js';

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

test('messages arrive at the other member, from whom they came', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);

  a.peers.send(2n, [heartbeat(5), { type: 'stateHash', index: 5, hash: 99 }]);
  await until(() => b.handler.frames.length > 0);

  expect(b.handler.frames).toEqual([{ from: 1n, messages: [heartbeat(5), { type: 'stateHash', index: 5, hash: 99 }] }]);
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { World } from '../world.js';

let world: World;
beforeEach(() => {
  world = new World(4);
});
afterEach(() => world.close());

/** A cluster whose members' links are all the same, and 30 writes to it. */
async function cluster(conditions: object): Promise<void> {
  const members = await world.startCluster(3);
  for (const { name: from } of members)
    for (const { name: to } of members) if (from !== to) Object.assign(world.network.link(from, to), conditions);
  const store = world.addClient('c').store();
  for (let i = 0; i < 30; i += 1) await store.put('key', `${i}`);
}

describe('messages of raft on links that are not in order', () => {
  test('are lost, doubled and overtake each other, and writes go on', async () => {
    await world.run(() => cluster({ isFifo: false, loss: 0.1, duplicate: 0.3, meanDelayMs: 10 }));

    for (const kind of ['loss', 'duplicate', 'reorder']) expect(world.effects.of(kind)).toBeGreaterThan(5);
    expect(world.effects.of('broken connection')).toBe(0);
  });

  test('are only doubled where the link is in order', async () => {
    await world.run(() => cluster({ duplicate: 0.5 }));

    expect(world.effects.of('duplicate')).toBeGreaterThan(5);
    expect(world.effects.of('reorder')).toBe(0);
  });
});

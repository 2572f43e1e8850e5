import { afterEach, describe, expect, test } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import { World } from './world.js';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

function newWorld(seed: number): World {
  const world = new World(seed);
  worlds.push(world);
  return world;
}

describe('a world', () => {
  test('has members that elect a leader and serve clients over the network', async () => {
    const world = newWorld(1);

    const value = await world.run(async () => {
      await world.startCluster(3);
      const store = world.addClient('c1').store();
      await store.put('key', 'value');
      return (await store.get('key'))?.value;
    });

    expect(toText(value as Uint8Array)).toBe('value');
    expect(world.members.filter(({ leads }) => leads)).toHaveLength(1);
  });
});

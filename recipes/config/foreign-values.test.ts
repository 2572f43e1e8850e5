import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ConfigWorld, max } from './testing/config-world.js';

const START = 'conclave/cfg/payments/';
const FOREIGN = 'a key or value that is foreign or damaged is passed over';

let world: ConfigWorld;

beforeEach(async () => {
  world = await ConfigWorld.open();
});
afterEach(() => world.close());

describe('a pointer that nobody published', () => {
  test.each(['nonsense', '', '0x10', ' 1', '1e0', '-1', '9007199254740993', '999999999999'])(
    '(%j) is told, and the newest release is in force for whoever comes new',
    async (value) => {
      const first = world.watcher();
      await first.publish(max(1));
      await first.publish(max(2));
      await world.real.put(`${START}current`, value);

      const late = world.watcher();
      await world.turning(late.ready());

      expect(late.current.limits.max).toBe(2);
      expect(late.stale).toBe(true);
      expect(world.logged).toContain(FOREIGN);
      await world.turning(first.publish(max(3), { ifRelease: 2 }));
      await world.clock.advance(1_000);
      expect(late).toMatchObject({ current: { limits: { max: 3 } }, stale: false, release: 3 });
    },
  );

  test('is written over by the first release there is', async () => {
    await world.real.put(`${START}current`, 'nonsense');
    const config = world.watcher({ initial: max(1) });

    await world.turning(config.ready());

    expect(config).toMatchObject({ release: 1, stale: false });
  });
});

describe('keys among the releases that are none', () => {
  test('leave numbers to publish under, wherever they stand', async () => {
    for (const end of ['zzz', '!', '5', '000000000002', '999999999999', '000000000002/a']) {
      await world.real.put(`${START}rel/${end}`, 'foreign');
    }
    const config = world.watcher();

    const releases = [await world.turning(config.publish(max(1))), await world.turning(config.publish(max(2)))];
    await world.turning(config.ready());

    expect(releases.map(({ release }) => release)).toEqual([3, 4]);
    expect(config.current.limits.max).toBe(2);
    expect((await world.turning(config.history())).map(({ release }) => release)).toEqual([4, 3]);
  });

  test.each([
    ['of another number', { release: 7 }],
    ['without an author', { author: 5 }],
    ['without a publication', { publicationId: undefined }],
  ])('(a release %s) are not in the history, and not rolled back to', async (_, wrong) => {
    const config = world.watcher();
    await config.publish(max(1));
    await config.publish(max(2));
    const stored = JSON.parse(
      Buffer.from((await world.real.get(`${START}rel/000000000001`))!.value).toString(),
    ) as object;
    await world.real.put(`${START}rel/000000000001`, JSON.stringify({ ...stored, ...wrong }));

    expect((await config.history()).map(({ release }) => release)).toEqual([2]);
    await expect(config.rollback(1)).rejects.toMatchObject({ code: 'RELEASE_NOT_FOUND' });
  });
});

test('a document that is nested deeper than any that is published is rejected, and the last good one stays', async () => {
  const config = world.watcherOf(z.any());
  await config.publish({ fine: true });
  const rejected: string[] = [];
  config.on('rejected', (_release, { code }) => void rejected.push(code));
  const stored = Buffer.from((await world.real.get(`${START}rel/000000000001`))!.value).toString();
  const deep = stored.replace('{"fine":true}', '['.repeat(900) + ']'.repeat(900)).replace('"release":1', '"release":2');
  await world.real.put(`${START}rel/000000000002`, deep);
  await world.real.put(`${START}current`, '2');
  await world.clock.advance(1_000);

  expect(rejected).toEqual(['INVALID_CONFIG']);
  expect(config.current).toEqual({ fine: true });
});

import { describe, expect, test } from '@jest/globals';
import { failsWith } from '../testing/conformance/fixture.js';
import { atDesk, next, revisions } from './testing/desk-stores.js';
import type { ScriptedServer } from './testing/scripted-server.js';
import { eventually } from './testing/stores.js';
import type { Creation, WatchDesk } from './testing/watch-desk.js';
import type { Store, WatchOptions, WatchStream } from '../store.js';

const SHARED = { watchSharersMax: 100, watchBufferEventsMax: 4 };

/** Begins a watch and has the server take it up at a revision. */
async function begin(
  [store, desk]: readonly [Store, WatchDesk, ScriptedServer],
  at: number,
  options: WatchOptions = {},
  key = 'a',
): Promise<[WatchStream, Creation]> {
  const watch = store.watch(key, options);
  const creation = (await desk.creation()).created(at);
  await watch.created;
  return [watch, creation];
}

describe('watchers of the same keys', () => {
  test('are served by one watch of the server, each from where it began', async () => {
    const scene = await atDesk(SHARED);
    const [first, home] = await begin(scene, 10);
    const [second, own] = await begin(scene, 20);
    const [later] = await begin(scene, 20, { from: 40 });

    home.events([15]).events([30]).events([50]);

    expect(await revisions(first, 3)).toEqual([[15], [30], [50]]);
    expect(await revisions(second, 2)).toEqual([[30], [50]]);
    expect(await revisions(later, 1)).toEqual([[50]]);
    await eventually(() => scene[1].cancelled.length === 2);
    expect(scene[1].cancelled).toEqual([own.id, own.id + 1n]);
  });

  test('get what was sent in one piece only as far as it is new to them', async () => {
    const scene = await atDesk(SHARED);
    const [first, home] = await begin(scene, 10);
    const [second] = await begin(scene, 20);

    home.events([15, 20, 21, 22], { fragment: true }).events([22, 23]);

    expect(await revisions(first, 2)).toEqual([
      [15, 20, 21],
      [22, 22, 23],
    ]);
    expect(await revisions(second, 2)).toEqual([[21], [22, 22, 23]]);
  });

  test('who want history read it apart, and join once they have caught up', async () => {
    const scene = await atDesk(SHARED);
    const [first, home] = await begin(scene, 10);
    home.events([12]);
    expect(await revisions(first, 1)).toEqual([[12]]);
    const [past, own] = await begin(scene, 12, { from: 3 });

    own.events([4]).events([8]);
    expect(await revisions(past, 2)).toEqual([[4], [8]]);
    expect(scene[1].cancelled).toEqual([]);
    home.events([14]);
    own.events([12, 14]);
    expect(await revisions(past, 1)).toEqual([[12, 14]]);
    await eventually(() => scene[1].cancelled.length > 0);
    home.events([15]);

    expect(scene[1].cancelled).toEqual([own.id]);
    expect(await revisions(past, 1)).toEqual([[15]]);
    expect(await revisions(first, 2)).toEqual([[14], [15]]);
  });

  test('nobody waits for one that reads history, though it was there first', async () => {
    const scene = await atDesk(SHARED);
    const [past, own] = await begin(scene, 100, { from: 3 });
    const [first, home] = await begin(scene, 100);
    home.events([101]);

    expect(await revisions(first, 1)).toEqual([[101]]);
    expect(scene[1].cancelled).toEqual([]);
    own.events([50]).events([101]);
    expect(await revisions(past, 2)).toEqual([[50], [101]]);
    await eventually(() => scene[1].cancelled.length > 0);
    expect(scene[1].cancelled).toEqual([own.id]);
  });

  test.each<[string, WatchOptions, string]>([
    ['other keys', {}, 'b'],
    ['what was before', { previous: true }, 'a'],
    ['puts alone', { only: 'put' }, 'a'],
  ])('do not share with who wants %s', async (_, options, key) => {
    const scene = await atDesk(SHARED);
    await begin(scene, 10);
    const [, own] = await begin(scene, 10, options, key);
    const [other] = await begin(scene, 10, options, key);
    own.events([11]);

    expect(await revisions(other, 1)).toEqual([[11]]);
    await eventually(() => scene[1].cancelled.length > 0);
    expect(scene[1].cancelled).toEqual([own.id + 1n]);
  });

  test('share as many as may, and one more has its own', async () => {
    const scene = await atDesk({ ...SHARED, watchSharersMax: 2 });
    await begin(scene, 10);
    await begin(scene, 10);
    const [third, own] = await begin(scene, 10);
    await begin(scene, 10);
    own.events([11]);

    expect(await revisions(third, 1)).toEqual([[11]]);
    await eventually(() => scene[1].cancelled.length > 1);
    expect(scene[1].cancelled).toEqual([2n, 4n]);
  });

  test('do not share where that is not asked for', async () => {
    const scene = await atDesk();
    const all = [await begin(scene, 10), await begin(scene, 10), await begin(scene, 10)];
    for (const [, own] of all) own.events([11]);
    for (const [watch] of all) expect(await revisions(watch, 1)).toEqual([[11]]);

    expect(scene[1].cancelled).toEqual([]);
  });
});

describe('a watch that is shared', () => {
  test('is taken up once after its stream was lost, where all of them are', async () => {
    const scene = await atDesk(SHARED);
    const [first, home] = await begin(scene, 10);
    const [second] = await begin(scene, 20);
    home.events([15, 30]);
    await Promise.all([next(first), next(second)]);

    scene[2].dropConnections();
    const resumed = await scene[1].creation();
    resumed.created(60).events([30, 31]);

    expect(resumed.request.startRevision).toBe(31n);
    expect(await Promise.all([revisions(first, 1), revisions(second, 1)])).toEqual([[[31]], [[31]]]);
    expect(scene[1].waitingCount).toBe(0);
  });

  test('has nobody wait for what it missed while its stream was lost', async () => {
    const scene = await atDesk(SHARED);
    const [first] = await begin(scene, 10);
    scene[2].dropConnections();
    const resumed = (await scene[1].creation()).created(60);
    const [newcomer, own] = await begin(scene, 60);
    own.events([70]);
    expect(await revisions(newcomer, 1)).toEqual([[70]]);

    resumed.events([40]).events([70]);
    expect(await revisions(first, 2)).toEqual([[40], [70]]);
    await eventually(() => scene[1].cancelled.length > 0);
    own.events([71]);

    expect(scene[1].cancelled).toEqual([resumed.id]);
    expect(await revisions(first, 1)).toEqual([[71]]);
    expect(await revisions(newcomer, 1)).toEqual([[71]]);
  });

  test('goes on without one that ends, and ends with the last one', async () => {
    const scene = await atDesk(SHARED);
    await begin(scene, 10, {}, 'b');
    const [first, home] = await begin(scene, 10);
    const [second] = await begin(scene, 10);
    await first[Symbol.asyncDispose]();
    home.events([11]);
    expect(await revisions(second, 1)).toEqual([[11]]);
    expect(scene[1].cancelled).not.toContain(home.id);

    await second[Symbol.asyncDispose]();

    await eventually(() => scene[1].cancelled.includes(home.id));
  });

  test('is not held up by a slow reader, who goes on by itself and comes back', async () => {
    const scene = await atDesk(SHARED);
    const [fast, home] = await begin(scene, 10);
    const [slow] = await begin(scene, 10);
    for (const revision of [11, 12, 13, 14, 15, 16, 17]) {
      home.events([revision]);
      expect(await revisions(fast, 1)).toEqual([[revision]]);
    }

    expect(await revisions(slow, 5)).toEqual([[11], [12], [13], [14], [15]]);
    const own = await scene[1].creation();
    expect(own.request.startRevision).toBe(16n);
    own.created(17).events([16]).events([17]);
    expect(await revisions(slow, 2)).toEqual([[16], [17]]);
    await eventually(() => scene[1].cancelled.includes(own.id));
    home.events([18]);

    expect(await revisions(slow, 1)).toEqual([[18]]);
    expect(await revisions(fast, 1)).toEqual([[18]]);
  });

  test('tells all of them what went wrong', async () => {
    const scene = await atDesk(SHARED);
    const [first, home] = await begin(scene, 10);
    const [second] = await begin(scene, 10);

    home.send({ canceled: true, cancelReason: 'etcdserver: permission denied' });

    for (const watch of [first, second]) await failsWith('PERMISSION_DENIED', () => next(watch));
  });

  test('that was compacted away ends for those whose revision that was; who waits for a later one goes on', async () => {
    const scene = await atDesk(SHARED);
    const [first] = await begin(scene, 10);
    const [later] = await begin(scene, 10, { from: 90 });
    scene[2].dropConnections();
    (await scene[1].creation()).created(60).send({ canceled: true, compactRevision: 50 });
    const error = await failsWith('COMPACTED', () => next(first));
    const apart = await scene[1].creation();
    apart.created(60).events([95]);

    expect(error).toMatchObject({ requestedRevision: 11, compactRevision: 50 });
    expect(apart.request.startRevision).toBe(90n);
    expect(await revisions(later, 1)).toEqual([[95]]);
  });

  test('tells progress to who asked for it', async () => {
    const scene = await atDesk(SHARED);
    const [, home] = await begin(scene, 10);
    const [told] = await begin(scene, 10, { progress: true });

    home.send({ header: { clusterId: 1n, memberId: 1n, revision: 33, raftTerm: 1 } });

    expect(await next(told)).toEqual({ done: false, value: { revision: 33, events: [] } });
  });
});

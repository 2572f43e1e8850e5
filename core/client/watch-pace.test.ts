import { describe, expect, test } from '@jest/globals';
import { atDesk, atDeskByHand, next, revisions } from './testing/desk-stores.js';
import { eventually } from './testing/stores.js';
import { putOf } from './testing/watch-desk.js';

describe('a slow reader', () => {
  const BOUND = { watchBufferEventsMax: 4 };

  test('may leave as many events as the bound unread', async () => {
    const [store, desk] = await atDesk(BOUND);
    const watch = store.watch('a', { from: 1 });
    const other = store.watch('b', { from: 1 });
    (await desk.creation()).created(9).events([1, 2]).events([3, 4]);
    (await desk.creation()).created(9).events([1]);

    await next(other);

    expect(desk.cancelled).toEqual([]);
    expect(await revisions(watch, 2)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('with one more is let go, and taken up where it was once everything is read; others go on', async () => {
    const [store, desk] = await atDesk(BOUND);
    const watch = store.watch('a', { from: 1 });
    const other = store.watch('b', { from: 1 });
    const slow = (await desk.creation()).created(9).events([1, 2]).events([3, 4]);
    const fast = (await desk.creation()).created(9);
    slow.events([5]).events([6]);
    await eventually(() => desk.cancelled.length > 0);
    fast.events([6]);

    expect(await revisions(other, 1)).toEqual([[6]]);
    expect(desk.cancelled).toEqual([slow.id]);
    expect(await revisions(watch, 3)).toEqual([[1, 2], [3, 4], [5]]);
    const resumed = await desk.creation();
    resumed.created(9).events([6]);
    expect(resumed.request.startRevision).toBe(6n);
    expect(resumed.id).not.toBe(slow.id);
    expect(await revisions(watch, 1)).toEqual([[6]]);
  });

  test('is bounded by bytes too', async () => {
    const [store, desk] = await atDesk({ watchBufferBytesMax: 20 });
    const watch = store.watch('a', { from: 1 });
    const creation = (await desk.creation()).created(9);

    creation.send({ events: [putOf(1, '12345678')] }).send({ events: [putOf(2, '12345678')] });
    await watch.created;
    creation.send({ events: [putOf(3, '')] });
    await eventually(() => desk.cancelled.length > 0);

    expect(await revisions(watch, 3)).toEqual([[1], [2], [3]]);
  });

  test('that is let go in the middle of a revision gets the whole of it later', async () => {
    const [store, desk] = await atDesk(BOUND);
    const watch = store.watch('a', { from: 1 });
    (await desk.creation()).created(9).events([1, 2, 3, 4, 5, 6], { fragment: true }).events([6]);
    await eventually(() => desk.cancelled.length > 0);

    expect(await revisions(watch, 1)).toEqual([[1, 2, 3, 4, 5]]);
    const resumed = await desk.creation();
    resumed.created(9).events([6, 6]);

    expect(resumed.request.startRevision).toBe(6n);
    expect(await revisions(watch, 1)).toEqual([[6, 6]]);
  });

  test('who ends while let go is not taken up again', async () => {
    const [store, desk] = await atDesk(BOUND);
    const watch = store.watch('a', { from: 1 });
    store.watch('b');
    (await desk.creation()).created(9).events([1, 2, 3, 4, 5]);
    await desk.creation();
    await eventually(() => desk.cancelled.length > 0);

    await watch[Symbol.asyncDispose]();
    store.watch('c');

    expect((await desk.creation()).request.key.toString()).toBe('c');
  });
});

describe('silence', () => {
  test('is met with a question, and an answer keeps the stream', async () => {
    const [store, desk, clock] = await atDeskByHand({ watchIdleMs: 5_000, watchAckTimeoutMs: 3_000 });
    const watch = store.watch('a');
    (await desk.creation()).created(9);
    await watch.created;

    for (let i = 0; i < 3; i += 1) {
      await clock.advance(5_000);
      const probe = await desk.creation();
      expect(probe.isProbe).toBe(true);
      probe.refused('mvcc: watcher range is empty');
      await eventually(() => clock.timerCount > 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }

    expect(desk.streamCount).toBe(1);
  });

  test('after the question ends the stream, and the watch goes on over another', async () => {
    const [store, desk, clock] = await atDeskByHand({ watchIdleMs: 5_000, watchAckTimeoutMs: 3_000 });
    const watch = store.watch('a', { from: 4 });
    (await desk.creation()).created(9).events([4]);
    await next(watch);
    await clock.advance(5_000);
    expect((await desk.creation()).isProbe).toBe(true);

    await clock.advance(2_999);
    expect(desk.streamCount).toBe(1);
    const resuming = desk.creation();
    await clock.advance(1);
    await clock.advance(100);

    expect((await resuming).request.startRevision).toBe(5n);
    expect(desk.streamCount).toBe(2);
  });

  test('about a creation ends the stream too', async () => {
    const [store, desk, clock] = await atDeskByHand({ watchAckTimeoutMs: 3_000 });
    store.watch('a', { from: 4 });
    await desk.creation();

    const resuming = desk.creation();
    await clock.advance(3_000);
    await clock.advance(100);

    expect((await resuming).stream).toBe(2);
  });

  test('is told to who asked for progress, with what it has delivered', async () => {
    const [store, desk, clock] = await atDeskByHand({ watchIdleMs: 5_000 });
    const watch = store.watch('a', { from: 4, progress: true });
    const quiet = store.watch('b', { from: 4 });
    (await desk.creation()).created(9).events([6]);
    (await desk.creation()).created(9);
    await next(watch);
    await quiet.created;

    await clock.advance(5_000);
    (await desk.creation()).refused('mvcc: watcher range is empty');

    expect(await next(watch)).toEqual({ done: false, value: { revision: 6, events: [] } });
  });

  test('of one watch is told though another on the stream is busy', async () => {
    const [store, desk, clock] = await atDeskByHand({ watchIdleMs: 5_000 });
    const watch = store.watch('a', { from: 4, progress: true });
    const busy = store.watch('b', { from: 1 });
    (await desk.creation()).created(9);
    const creation = (await desk.creation()).created(9);
    await busy.created;
    const batch = next(watch);
    let told = false;
    void batch.then(() => (told = true));

    for (let revision = 10; !told && revision < 20; revision += 1) {
      creation.events([revision]);
      await next(busy);
      await clock.advance(2_000);
    }

    expect(await batch).toEqual({ done: false, value: { revision: 3, events: [] } });
  });

  test('is not broken off while the server is busy sending', async () => {
    const [store, desk, clock] = await atDeskByHand({ watchAckTimeoutMs: 3_000 });
    const first = store.watch('a', { from: 1 });
    const creation = (await desk.creation()).created(9);
    await first.created;
    store.watch('b');
    await desk.creation();

    for (let revision = 1; revision < 5; revision += 1) {
      creation.events([revision]);
      await next(first);
      await clock.advance(2_000);
    }

    expect(desk.streamCount).toBe(1);
  });
});

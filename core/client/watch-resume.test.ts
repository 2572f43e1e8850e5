import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { failsWith } from '../testing/conformance/fixture.js';
import { atDesk, atDeskByHand, next, revisions } from './testing/desk-stores.js';
import { failure, header } from './testing/scripted-server.js';
import { connect, serve } from './testing/stores.js';
import { WatchDesk } from './testing/watch-desk.js';

describe('after its stream is lost, a watch', () => {
  test('goes on from the revision after the last one it received', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    (await desk.creation()).created(9).events([5, 5, 6]).events([8]);
    expect(await revisions(watch, 2)).toEqual([[5, 5, 6], [8]]);

    server.dropConnections();
    const resumed = await desk.creation();
    resumed.created(20).events([9]);

    expect(resumed.request.startRevision).toBe(9n);
    expect(await revisions(watch, 1)).toEqual([[9]]);
  });

  test('that began now goes on from where it began, though nothing had come', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a');
    (await desk.creation()).created(40);
    await watch.created;

    server.dropConnections();

    expect((await desk.creation()).request.startRevision).toBe(41n);
  });

  test('that was never created begins now, when it can', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a');
    await desk.creation();

    server.dropConnections();
    const again = await desk.creation();
    again.created(50);

    expect(again.request.startRevision).toBe(0n);
    expect(await watch.created).toBe(50);
  });

  test('goes on after what a progress notification told', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a', { from: 5, progress: true });
    (await desk.creation()).created(9).send({ header: header(30) });
    expect(await next(watch)).toEqual({ done: false, value: { revision: 30, events: [] } });

    server.dropConnections();

    expect((await desk.creation()).request.startRevision).toBe(31n);
  });

  test('is not moved on by an answer that is about no watch', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    (await desk.creation())
      .created(9)
      .send({ watchId: -1n, header: header(30) })
      .events([10]);
    await next(watch);

    server.dropConnections();

    expect((await desk.creation()).request.startRevision).toBe(11n);
  });

  test('drops what it has already delivered, should it come again', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    (await desk.creation()).created(9).events([5, 6]);
    await next(watch);
    server.dropConnections();

    (await desk.creation()).created(9).events([5, 6]).events([6, 7]);

    expect(await revisions(watch, 1)).toEqual([[7]]);
  });

  test('takes up all others with it, over one new stream', async () => {
    const [store, desk, server] = await atDesk();
    const watches = [store.watch('a', { from: 3 }), store.watch('b', { from: 4 })];
    await desk.creation();
    await desk.creation();

    server.dropConnections();
    const resumed = [await desk.creation(), await desk.creation()];
    resumed[1]!.created(9);
    resumed[0]!.created(9);

    expect(resumed.map(({ request }) => request.startRevision)).toEqual([3n, 4n]);
    expect(resumed.map(({ stream }) => stream)).toEqual([2, 2]);
    expect(watches).toHaveLength(2);
  });

  test('takes up thousands of others at the pace of the answers', async () => {
    const [store, desk, server] = await atDesk({ watchCreationsMax: 2 });
    const watches = Array.from({ length: 5 }, (_, i) => store.watch('a', { from: i + 1 }));
    const answered = [];
    for (let i = 0; i < 5; i += 1) answered.push((await desk.creation()).created(9));
    await watches[4]!.created;

    server.dropConnections();
    const first = await desk.creation();
    await desk.creation();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(desk.waitingCount).toBe(0);
    first.created(9);
    const third = await desk.creation();

    expect(third.request.startRevision).toBe(3n);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(desk.waitingCount).toBe(0);
  });

  test('ends with CompactedError if its next revision was compacted meanwhile', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    (await desk.creation()).created(9).events([5]);
    await next(watch);

    server.dropConnections();
    (await desk.creation()).created(40).send({ canceled: true, compactRevision: 30, header: header(0) });

    const error = await failsWith('COMPACTED', () => next(watch));
    expect(error).toMatchObject({ requestedRevision: 6, compactRevision: 30 });
    expect(await next(watch)).toEqual({ done: true, value: undefined });
  });

  test('goes on if the server ends the stream in good order, or lets the watch go without a reason', async () => {
    const [store, desk] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    const first = await desk.creation();
    first.created(9);
    first.wire.end();

    const second = await desk.creation();
    second.created(9).send({ canceled: true });
    const third = await desk.creation();
    third.created(9).events([5]);

    expect([second.stream, third.stream]).toEqual([2, 3]);
    expect(await revisions(watch, 1)).toEqual([[5]]);
  });

  test('goes on at another endpoint if this one lost its leader', async () => {
    const desk = new WatchDesk();
    const lonely = await serve({
      watch: (wire) => wire.emit('error', failure(status.UNAVAILABLE, 'etcdserver: no leader')),
    });
    const healthy = await serve({ watch: desk.accept });
    const store = await connect([lonely, healthy]);
    const watch = store.watch('a', { from: 5 });

    (await desk.creation()).created(9).events([5]);

    expect(await revisions(watch, 1)).toEqual([[5]]);
  });

  test('outlives an outage however long, once it was created', async () => {
    const [store, desk, clock, server] = await atDeskByHand({ dialTimeoutMs: 1_000 });
    const watch = store.watch('a', { from: 5 });
    (await desk.creation()).created(9);
    await watch.created;
    server.script.watch = (wire) => wire.emit('error', failure(status.UNAVAILABLE, 'etcdserver: server stopped'));
    server.dropConnections();
    const turning = (async () => {
      while (server.count('watch') < 20) await clock.advance(100);
      server.script.watch = desk.accept;
      while (desk.streamCount < 2) await clock.advance(100);
    })();

    const resumed = await desk.creation();
    resumed.created(9).events([5]);

    expect(resumed.request.startRevision).toBe(5n);
    expect(await revisions(watch, 1)).toEqual([[5]]);
    await turning;
  });
});

describe('fragments', () => {
  test('are put together: a revision is delivered once it is whole', async () => {
    const [store, desk] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    const creation = (await desk.creation()).created(9);

    creation.events([5, 6, 6], { fragment: true }).events([6, 7], { fragment: true }).events([7, 7]);

    expect(await revisions(watch, 3)).toEqual([[5], [6, 6, 6], [7, 7, 7]]);
  });

  test('of a lost stream are asked for again from the beginning of their revision', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    (await desk.creation()).created(9).events([5, 6, 6], { fragment: true });
    expect(await revisions(watch, 1)).toEqual([[5]]);

    server.dropConnections();
    const resumed = await desk.creation();
    resumed.created(9).events([6, 6, 6]);

    expect(resumed.request.startRevision).toBe(6n);
    expect(await revisions(watch, 1)).toEqual([[6, 6, 6]]);
  });

  test('of a lost stream are asked for again though progress beyond their revision was told between them', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a', { from: 5 });
    const other = store.watch('b', { from: 5 });
    const creation = (await desk.creation()).created(9);
    creation.events([5, 6, 6], { fragment: true }).send({ header: header(30) });
    // Once this has come, everything before it has.
    (await desk.creation()).created(9).events([31]);
    expect(await revisions(other, 1)).toEqual([[31]]);
    expect(await revisions(watch, 1)).toEqual([[5]]);

    server.dropConnections();
    const resumed = await desk.creation();
    resumed.created(9).events([6, 6, 6]);

    expect(resumed.request.startRevision).toBe(6n);
    expect(await revisions(watch, 1)).toEqual([[6, 6, 6]]);
  });
});

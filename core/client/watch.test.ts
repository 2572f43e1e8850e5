import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { everything, prefix } from '../base/key-range.js';
import type { Store, WatchOptions } from '../store.js';
import { failsWith } from '../testing/conformance/fixture.js';
import { atDesk, next, revisions } from './testing/desk-stores.js';
import { failure, watchMessage } from './testing/scripted-server.js';
import { connect, serve } from './testing/stores.js';

describe('a watch', () => {
  test('asks for whole history from its revision, in fragments, with progress notifications', async () => {
    const [store, desk] = await atDesk();
    store.watch(prefix('a'), { from: 7, previous: true, only: 'put' });

    const { request } = await desk.creation();

    expect(request).toMatchObject({ startRevision: 7n, prevKv: true, filters: [1], fragment: true, watchId: 1n });
    expect(request.progressNotify).toBe(true);
  });

  test('tells the revision at which it was created', async () => {
    const [store, desk] = await atDesk();
    const watch = store.watch('a');

    (await desk.creation()).created(41);

    expect(await watch.created).toBe(41);
  });

  test('shares one stream with the others', async () => {
    const [store, desk] = await atDesk();
    const watches = [store.watch('a'), store.watch('b'), store.watch('c')];
    const creations = [await desk.creation(), await desk.creation(), await desk.creation()];
    for (const creation of creations) creation.created(1);

    creations[2]!.events([4]);
    creations[0]!.events([5]);

    expect(await revisions(watches[0]!, 1)).toEqual([[5]]);
    expect(await revisions(watches[2]!, 1)).toEqual([[4]]);
    expect(desk.streamCount).toBe(1);
  });

  test('drops what comes for a watch that was let go, whose id is not used again', async () => {
    const [store, desk] = await atDesk();
    const [first] = [store.watch('a'), store.watch('b')];
    const one = (await desk.creation()).created(1);
    (await desk.creation()).created(1);
    await first.created;
    await first[Symbol.asyncDispose]();
    const second = store.watch('a');
    const two = (await desk.creation()).created(1);

    one.events([2]);
    two.events([3]);

    expect(two.id).not.toBe(one.id);
    expect(await revisions(second, 1)).toEqual([[3]]);
    expect(desk.cancelled).toEqual([one.id]);
  });

  test('ends the stream when it was the last one', async () => {
    const [store, desk, server] = await atDesk();
    const watch = store.watch('a');
    (await desk.creation()).created(1);
    await watch.created;

    await watch[Symbol.asyncDispose]();
    const again = store.watch('a');
    (await desk.creation()).created(1);
    await again.created;

    expect(server.count('watch')).toBe(2);
  });
});

describe('a watch that cannot be', () => {
  const failsToBegin = async (code: string, store: Store, options: WatchOptions = {}) => {
    const watch = store.watch('a', options);
    await failsWith(code, () => watch.created);
    return failsWith(code, () => next(watch));
  };

  test('says what the server said', async () => {
    const [store, desk] = await atDesk();
    const refused = 'rpc error: code = PermissionDenied desc = etcdserver: permission denied';
    const failing = failsToBegin('PERMISSION_DENIED', store);
    (await desk.creation()).refused(refused);
    expect((await failing).message).toContain('permission denied');

    const tooMany = failsToBegin('TOO_MANY_REQUESTS', store);
    (await desk.creation()).refused('etcdserver: too many requests');
    await tooMany;
  });

  test('leaves the ones created beside it alone', async () => {
    const [store, desk] = await atDesk();
    const bad = failsToBegin('SERVER_ERROR', store);
    const good = store.watch('b');
    const [first, second] = [await desk.creation(), await desk.creation()];

    first.refused('no');
    second.created(9).events([10]);

    await bad;
    expect(await revisions(good, 1)).toEqual([[10]]);
  });

  test('fails if the whole stream is refused for good', async () => {
    const server = await serve({
      watch: (wire) => wire.emit('error', failure(status.PERMISSION_DENIED, 'etcdserver: permission denied')),
    });

    await failsToBegin('PERMISSION_DENIED', await connect([server]));
  });

  test('fails as unavailable if no endpoint can be reached before it is created', async () => {
    const [store, desk, server] = await atDesk({ dialTimeoutMs: 200 });
    const created = store.watch('b');
    (await desk.creation()).created(3);
    await created.created;
    await server.close();

    await failsToBegin('UNAVAILABLE', store);
  });

  test('is refused past watchersMax, until another ends', async () => {
    const [store, desk] = await atDesk({ watchersMax: 2 });
    const watches = [store.watch('a'), store.watch('b')];

    await failsToBegin('TOO_MANY_REQUESTS', store);
    await watches[0]![Symbol.asyncDispose]();

    store.watch('c');
    for (const name of ['a', 'b', 'c']) expect((await desk.creation()).request.key.toString()).toBe(name);
  });

  test('is refused on an empty key or range, without asking the server', async () => {
    const [store, , server] = await atDesk();

    await failsWith('EMPTY_KEY', () => store.watch('').created);
    await failsWith('EMPTY_RANGE', () => store.watch({ key: Buffer.from('b'), end: Buffer.from('a') }).created);
    expect(server.count('watch')).toBe(0);
  });

  test('ends the stream if the server answers another watch than was asked for', async () => {
    const [store, desk] = await atDesk();
    const watch = store.watch(everything());
    const first = await desk.creation();

    first.wire.write(watchMessage({ watchId: 77n, created: true }));
    (await desk.creation()).created(4);

    expect(await watch.created).toBe(4);
  });

  test('fails if an event has no key', async () => {
    const [store, desk] = await atDesk();
    const watch = store.watch('a');

    (await desk.creation()).created(3).send({ events: [{ type: 0, kv: undefined, prevKv: undefined }] });

    await failsWith('SERVER_ERROR', () => next(watch));
  });
});

describe('the end', () => {
  test('by abort rejects with the reason at once, what was queued thrown away', async () => {
    const [store, desk] = await atDesk();
    const stop = new AbortController();
    const watch = store.watch('a', { from: 1, signal: stop.signal });
    (await desk.creation()).created(3).events([1]).events([2]);
    expect(await revisions(watch, 1)).toEqual([[1]]);

    stop.abort('enough');

    await expect(next(watch)).rejects.toBe('enough');
    expect(await next(watch)).toEqual({ done: true, value: undefined });
  });

  test('by abort before it was created rejects that too', async () => {
    const [store, desk] = await atDesk();
    const stop = new AbortController();
    const watch = store.watch('a', { signal: stop.signal });
    await desk.creation();
    const reason = new Error('enough');

    stop.abort(reason);

    await expect(watch.created).rejects.toBe(reason);
    await expect(store.watch('a', { signal: stop.signal }).created).rejects.toBe(reason);
  });

  test('by closing the store fails as closed, for who waits and who comes later', async () => {
    const [store, desk] = await atDesk();
    const watch = store.watch('a');
    (await desk.creation()).created(3);
    await watch.created;
    const waiting = failsWith('CLOSED', () => next(watch));

    await store.close();

    await waiting;
    await failsWith('CLOSED', () => store.watch('a').created);
  });

  test('by disposal gives those who wait the end', async () => {
    const [store, desk] = await atDesk();
    const watch = store.watch('a');
    (await desk.creation()).created(3);
    await watch.created;
    const waiting = [next(watch), next(watch)];

    await watch[Symbol.asyncDispose]();

    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true]);
  });
});

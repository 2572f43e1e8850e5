import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toText } from '../base/bytes.js';
import { prefix } from '../base/key-range.js';
import type { Store, WatchStream } from '../store.js';
import { failsWith } from '../testing/conformance/fixture.js';
import { type EtcdProcess, findEtcd, startEtcd } from '../testing/etcd-process.js';
import { get, put } from '../txn.js';
import { connectGrpc } from './grpc-store.js';
import type { ClientOptions } from './settings.js';
import { next } from './testing/desk-stores.js';

/** What the conformance suite cannot show: etcd stopping, hanging and coming back under a client. */
if (findEtcd()) describe('against a real etcd', againstEtcd);
else test.skip('against a real etcd (skipped: no etcd on the PATH)', () => {});

function againstEtcd(): void {
  let etcd: EtcdProcess;
  const stores: Store[] = [];
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await etcd.stop();
  });

  async function connect(options: ClientOptions = {}): Promise<Store> {
    const store = await connectGrpc([etcd], options);
    stores.push(store);
    return store;
  }

  test('a watch misses nothing and repeats nothing over a kill and a restart', async () => {
    const store = await connect();
    const watch = store.watch(prefix('restart/'));
    await watch.created;
    await store.put('restart/1', '');
    await store.put('restart/2', '');
    const before = await keys(watch, 2);

    await etcd.restart();
    await store.put('restart/3', '');

    expect(before).toEqual(['restart/1', 'restart/2']);
    expect(await keys(watch, 1)).toEqual(['restart/3']);
  });

  test('a lease granted before a restart can be renewed after it', async () => {
    const store = await connect();
    const lease = await store.grantLease('60s');
    await lease.keepAlive();

    await etcd.restart();

    await lease.keepAlive();
    expect((await lease.timeToLive()).grantedTtlSeconds).toBe(60);
  });

  test('a server that hangs is noticed by calls and by watches, which go on when it wakes', async () => {
    const store = await connect({
      requestTimeoutMs: 400,
      watchIdleMs: 300,
      watchAckTimeoutMs: 300,
      retryTimeoutMs: 60_000,
    });
    const watch = store.watch('hang');
    await watch.created;
    etcd.pause();

    await failsWith('OUTCOME_UNKNOWN', () => store.put('hang', 'lost?'));
    const reading = store.get('hang');
    etcd.resume();

    await reading;
    await store.put('hang', 'found');
    for await (const batch of watch) if (batch.events.some(({ kv }) => toText(kv.value) === 'found')) break;
  });

  test('a question on a silent stream is answered, whatever its watches wait for', async () => {
    const store = await connect({ watchIdleMs: 50, watchAckTimeoutMs: 5_000 });
    const { revision } = await store.put('quiet', '');
    const future = store.watch('quiet', { from: revision + 1_000 });
    const watch = store.watch('quiet', { progress: true });
    await future.created;

    const { value } = await next(watch);

    expect(value).toMatchObject({ events: [] });
    await future[Symbol.asyncDispose]();
    await watch[Symbol.asyncDispose]();
  });

  test('a revision of several megabytes arrives whole, though in fragments', async () => {
    const store = await connect();
    for (let i = 0; i < 6; i += 1) await store.put(`large/${i}`, Buffer.alloc(1_000_000, i));
    const watch = store.watch(prefix('large/'), { previous: true });
    await watch.created;

    await store.delete(prefix('large/'));
    const events = (await next(watch)).value?.events ?? [];

    expect(events).toHaveLength(6);
    expect(new Set(events.map((event) => event.kv.modRevision)).size).toBe(1);
  });

  test('a slow reader gets everything through a small buffer', async () => {
    const store = await connect({ watchBufferEventsMax: 50 });
    const watch = store.watch(prefix('slow/'));
    await watch.created;
    for (let i = 0; i < 20; i += 1) {
      await store
        .txn()
        .do(...Array.from({ length: 100 }, (_, n) => put(`slow/${i}/${n}`, '')))
        .commit();
    }

    const seen = await keys(watch, 2_000);

    expect(seen).toEqual(
      Array.from({ length: 20 }, (_, i) => Array.from({ length: 100 }, (_, n) => `slow/${i}/${n}`)).flat(),
    );
  });

  test('errors tell what etcd does not: the revision to go on from', async () => {
    const store = await connect();
    const old = await store.put('compacted', '1');
    const kept = await store.put('compacted', '2');
    await store.put('compacted', '3');
    await store.compact(kept.revision);
    const { revision } = await store.put('compacted', '4');

    for (const call of [
      () => store.get('compacted', { revision: old.revision }),
      () => store.compact(old.revision),
      () =>
        store
          .txn()
          .do(get('compacted', { revision: old.revision }))
          .commit(),
    ]) {
      const error = await failsWith('COMPACTED', call);
      expect(error).toMatchObject({ requestedRevision: old.revision, compactRevision: kept.revision });
    }
    const error = await failsWith('FUTURE_REVISION', () => store.get('compacted', { revision: revision + 5 }));
    expect(error).toMatchObject({ requestedRevision: revision + 5, currentRevision: revision });
  });

  test('errors name what was wrong', async () => {
    const store = await connect();

    expect(
      await failsWith('DUPLICATE_KEY', () => store.txn().do(put('twice', '1'), put('twice', '2')).commit()),
    ).toMatchObject({ key: Buffer.from('twice') });
    expect(await failsWith('LEASE_NOT_FOUND', () => store.put('a', '1', { lease: 99n }))).toMatchObject({ lease: 99n });
    expect(await failsWith('KEY_NOT_FOUND', () => store.put('absent', '', { ignoreValue: true }))).toMatchObject({
      key: Buffer.from('absent'),
    });
    const large = await failsWith('REQUEST_TOO_LARGE', () => store.put('large', Buffer.alloc(1_600_000)));
    expect(large.message).toMatch(/1600005 bytes.*at most 1572864 bytes/);
    await failsWith('REQUEST_TOO_LARGE', () => store.put('large', Buffer.alloc(3_000_000)));
    const many = await failsWith('TOO_MANY_OPERATIONS', () =>
      store
        .txn()
        .do(...Array.from({ length: 129 }, (_, i) => put(`${i}`, '')))
        .commit(),
    );
    expect(many.message).toContain('is 129; it must be at most 128');
  });
}

/** The keys of the next events. */
async function keys(watch: WatchStream, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    const { done, value } = await next(watch);
    if (done) throw new Error('the watch ended');
    seen.push(...value.events.map(({ kv }) => toText(kv.key)));
  }
  return seen;
}

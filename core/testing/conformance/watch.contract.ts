import { describe, expect } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import { everything, fromKey, prefix, range } from '../../base/key-range.js';
import { put, remove } from '../../txn.js';
import { failsWith, freshPrefix, type StoreUnderTest, WatchReader } from './fixture.js';
import { test } from './patient-test.js';

/** Watches: ordered, unique, reliable, atomic, resumable. Source: etcd API guarantees, Watch. */
export function watchContract(under: StoreUnderTest): void {
  describe('watch', () => {
    test('a watch from now delivers what happens after it was created', async () => {
      const p = freshPrefix();
      const before = await under.store.put(`${p}a`, 'before');
      const watch = new WatchReader(under.store.watch(prefix(p)));
      expect(await watch.stream.created).toBe(before.revision);

      await under.store.put(`${p}a`, '1');
      await under.store.delete(`${p}a`);

      expect(await watch.events(2)).toEqual([`put ${p}a=1`, `delete ${p}a`]);
      await watch.close();
    });

    test('a watch from an old revision delivers the history, then what follows', async () => {
      const p = freshPrefix();
      const first = await under.store.put(`${p}a`, '1');
      await under.store.put(`${p}b`, '2');
      await under.store.delete(`${p}a`);
      const watch = new WatchReader(under.store.watch(prefix(p), { from: first.revision }));

      expect(await watch.events(3)).toEqual([`put ${p}a=1`, `put ${p}b=2`, `delete ${p}a`]);
      await under.store.put(`${p}c`, '3');
      expect(await watch.events(1)).toEqual([`put ${p}c=3`]);
      await watch.close();
    });

    test('a watch from a future revision is silent until then', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, '0');
      const watch = new WatchReader(under.store.watch(prefix(p), { from: revision + 3 }));
      await watch.stream.created;

      for (const text of ['1', '2', '3', '4']) await under.store.put(`${p}a`, text);

      expect(await watch.events(2)).toEqual([`put ${p}a=3`, `put ${p}a=4`]);
      await watch.close();
    });

    test('one key, a range, a prefix, from a key on, and everything can be watched', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}0`, '0');
      const from = revision + 1;
      const watches = [`${p}b`, range(`${p}b`, `${p}d`), prefix(`${p}b`), fromKey(`${p}c`), everything()].map(
        (target) => new WatchReader(under.store.watch(target, { from })),
      );
      for (const name of ['a', 'b', 'bb', 'c', 'd']) await under.store.put(p + name, '1');

      const seen = await Promise.all([1, 3, 2, 2, 5].map((count, i) => watches[i]!.events(count)));

      expect(seen.map((events) => events.map((text) => text.slice(`put ${p}`.length, -2)))).toEqual([
        ['b'],
        ['b', 'bb', 'c'],
        ['b', 'bb'],
        ['c', 'd'],
        ['a', 'b', 'bb', 'c', 'd'],
      ]);
      await Promise.all(watches.map((watch) => watch.close()));
    });

    test('a transaction arrives whole', async () => {
      const p = freshPrefix();
      const before = await under.store.put(`${p}a`, '0');
      const watch = new WatchReader(under.store.watch(prefix(p), { from: before.revision + 1 }));
      const { revision } = await under.store
        .txn()
        .do(put(`${p}b`, '1'), remove(`${p}a`), put(`${p}c`, '1'))
        .commit();

      expect(await watch.events(3)).toEqual([`put ${p}b=1`, `delete ${p}a`, `put ${p}c=1`]);
      expect(watch.batches).toHaveLength(1);
      expect(watch.batches[0]!.events.map((event) => event.kv.modRevision)).toEqual([revision, revision, revision]);
      await watch.close();
    });

    test('events carry the key as it was before, if asked', async () => {
      const p = freshPrefix();
      const first = await under.store.put(`${p}a`, '1');
      const watch = new WatchReader(under.store.watch(prefix(p), { from: first.revision, previous: true }));
      await under.store.put(`${p}a`, '2');
      await under.store.delete(`${p}a`);
      await watch.events(3);

      const previous = watch.batches.flatMap((batch) => batch.events.map((event) => event.previous));
      expect(previous.map((kv) => kv && toText(kv.value))).toEqual([undefined, '1', '2']);
      await watch.close();
    });

    test('a deletion tells its key and revision and nothing else', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, '1');
      const { revision } = await under.store.delete(`${p}a`);
      const watch = new WatchReader(under.store.watch(prefix(p), { from: revision }));
      await watch.events(1);

      const { type, kv, previous } = watch.batches[0]!.events[0]!;
      expect(type).toBe('delete');
      expect(kv).toMatchObject({ modRevision: revision, createRevision: 0, version: 0, lease: 0n });
      expect(kv.value).toHaveLength(0);
      expect(previous).toBeUndefined();
      await watch.close();
    });

    test('only puts, or only deletions', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, '1');
      const puts = new WatchReader(under.store.watch(prefix(p), { from: revision, only: 'put' }));
      const deletions = new WatchReader(under.store.watch(prefix(p), { from: revision, only: 'delete' }));
      await under.store.delete(`${p}a`);
      await under.store.put(`${p}a`, '2');
      await under.store.delete(`${p}a`);

      expect(await puts.events(2)).toEqual([`put ${p}a=1`, `put ${p}a=2`]);
      expect(await deletions.events(2)).toEqual([`delete ${p}a`, `delete ${p}a`]);
      await Promise.all([puts.close(), deletions.close()]);
    });

    test('a long history arrives complete and in order', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}start`, '');
      for (let i = 0; i < 20; i += 1) {
        await under.store
          .txn()
          .do(...Array.from({ length: 100 }, (_, n) => put(`${p}${i}/${n}`, 'x')))
          .commit();
      }
      const watch = new WatchReader(under.store.watch(prefix(p), { from: revision + 1 }));

      const events = await watch.events(2_000);

      expect(events).toEqual(
        Array.from({ length: 20 }, (_, i) => Array.from({ length: 100 }, (_, n) => `put ${p}${i}/${n}=x`)).flat(),
      );
      await watch.close();
    });

    test('breaking out of the loop ends the watch', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, '1');
      const stream = under.store.watch(prefix(p), { from: revision });
      for await (const batch of stream) {
        expect(batch.events).toHaveLength(1);
        break;
      }
      expect((await stream[Symbol.asyncIterator]().next()).done).toBe(true);
    });

    test('an aborted watch rejects with the reason', async () => {
      const stop = new AbortController();
      const watch = new WatchReader(under.store.watch(prefix(freshPrefix()), { signal: stop.signal }));
      await watch.stream.created;
      const waiting = watch.next();
      const reason = new Error('enough');

      stop.abort(reason);

      await expect(waiting).rejects.toBe(reason);
    });

    test('a range that can hold no key is refused', async () => {
      const stream = under.store.watch(range('b', 'a'));
      await failsWith('EMPTY_RANGE', () => stream.created);
      await failsWith('EMPTY_RANGE', () => stream[Symbol.asyncIterator]().next());
    });
  });

  describe('compaction', () => {
    test('compacted revisions cannot be read any more, the compacted one itself can', async () => {
      const p = freshPrefix();
      const first = await under.store.put(`${p}a`, '1');
      const second = await under.store.put(`${p}a`, '2');
      await under.store.put(`${p}a`, '3');
      await under.store.compact(second.revision, { physical: true });

      await failsWith('COMPACTED', () => under.store.get(`${p}a`, { revision: first.revision }));
      expect(toText((await under.store.get(`${p}a`, { revision: second.revision }))!.value)).toBe('2');
      expect(toText((await under.store.get(`${p}a`))!.value)).toBe('3');
    });

    test('compacting at a compacted or a future revision is refused', async () => {
      const { revision } = await under.store.put(`${freshPrefix()}a`, '1');
      await under.store.compact(revision);

      await failsWith('COMPACTED', () => under.store.compact(revision));
      await failsWith('FUTURE_REVISION', () => under.store.compact(revision + 1000));
    });

    test('a watch that starts in compacted history ends, telling the oldest revision that can be read', async () => {
      const p = freshPrefix();
      const first = await under.store.put(`${p}a`, '1');
      const second = await under.store.put(`${p}a`, '2');
      await under.store.compact(second.revision);
      const watch = new WatchReader(under.store.watch(prefix(p), { from: first.revision }));

      const error = await failsWith('COMPACTED', () => watch.next());

      expect(error).toMatchObject({ compactRevision: second.revision });
      await watch.close();
    });

    test('a watch that starts at the compacted revision misses nothing', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, '1');
      const { revision } = await under.store.put(`${p}a`, '2');
      await under.store.put(`${p}a`, '3');
      await under.store.compact(revision);
      const watch = new WatchReader(under.store.watch(prefix(p), { from: revision }));

      expect(await watch.events(2)).toEqual([`put ${p}a=2`, `put ${p}a=3`]);
      await watch.close();
    });
  });
}

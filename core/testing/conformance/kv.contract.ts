import { describe, expect } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import { everything, fromKey, prefix, range } from '../../base/key-range.js';
import { failsWith, freshPrefix, keyTexts, type StoreUnderTest, texts } from './fixture.js';
import { test } from './patient-test.js';

/** Reading, putting and deleting keys. Source: etcd API reference, KV service. */
export function kvContract(under: StoreUnderTest): void {
  describe('put and get', () => {
    test('a key that was put can be read back with its revisions', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, 'one');

      const kv = await under.store.get(`${p}a`);

      expect(toText(kv!.value)).toBe('one');
      expect(kv).toMatchObject({ createRevision: revision, modRevision: revision, version: 1, lease: 0n });
    });

    test('a key that does not exist reads as undefined', async () => {
      expect(await under.store.get(`${freshPrefix()}none`)).toBeUndefined();
    });

    test('each put makes the next revision and the next version', async () => {
      const p = freshPrefix();
      const first = await under.store.put(`${p}a`, '1');
      const second = await under.store.put(`${p}a`, '2');

      const kv = await under.store.get(`${p}a`);

      expect(second.revision).toBe(first.revision + 1);
      expect(kv).toMatchObject({ createRevision: first.revision, modRevision: second.revision, version: 2 });
    });

    test('a deleted key that is put again starts over at version 1', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, '1');
      await under.store.delete(`${p}a`);
      const again = await under.store.put(`${p}a`, '2');

      expect(await under.store.get(`${p}a`)).toMatchObject({ createRevision: again.revision, version: 1 });
    });

    test('a put answers the key as it was, if asked', async () => {
      const p = freshPrefix();
      const first = await under.store.put(`${p}a`, '1', { previous: true });
      const second = await under.store.put(`${p}a`, '2', { previous: true });
      const third = await under.store.put(`${p}a`, '3');

      expect(first.previous).toBeUndefined();
      expect(toText(second.previous!.value)).toBe('1');
      expect(third.previous).toBeUndefined();
    });

    test('keys and values are bytes: every byte comes back', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const key = Uint8Array.of(...Buffer.from(freshPrefix()), 0, 255, 128);
      await under.store.put(key, bytes);

      const kv = await under.store.get(key);

      expect(Buffer.from(kv!.key).equals(Buffer.from(key))).toBe(true);
      expect(Buffer.from(kv!.value).equals(Buffer.from(bytes))).toBe(true);
    });

    test('a value may be empty', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, '');

      expect((await under.store.get(`${p}a`))!.value).toHaveLength(0);
    });

    test('ignoreValue keeps the value and makes a new version', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, 'kept');
      await under.store.put(`${p}a`, '', { ignoreValue: true });

      const kv = await under.store.get(`${p}a`);

      expect(toText(kv!.value)).toBe('kept');
      expect(kv!.version).toBe(2);
    });

    test('an old revision can still be read', async () => {
      const p = freshPrefix();
      const first = await under.store.put(`${p}a`, '1');
      await under.store.put(`${p}a`, '2');
      await under.store.delete(`${p}a`);

      expect(toText((await under.store.get(`${p}a`, { revision: first.revision }))!.value)).toBe('1');
      expect(await under.store.get(`${p}a`)).toBeUndefined();
    });

    test('a serializable read is answered too', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, '1');

      expect(toText((await under.store.get(`${p}a`, { serializable: true }))!.value)).toBe('1');
    });
  });

  describe('range', () => {
    async function seed(): Promise<string> {
      const p = freshPrefix();
      for (const name of ['b', 'a', 'd', 'c']) await under.store.put(p + name, `value of ${name}`);
      return p;
    }

    test('a prefix reads its keys in byte order', async () => {
      const p = await seed();
      const answer = await under.store.range(prefix(p));

      expect(keyTexts(answer.kvs)).toEqual([`${p}a`, `${p}b`, `${p}c`, `${p}d`]);
      expect(answer).toMatchObject({ count: 4, more: false });
    });

    test('a range leaves out its end', async () => {
      const p = await seed();

      expect(keyTexts((await under.store.range(range(`${p}b`, `${p}d`))).kvs)).toEqual([`${p}b`, `${p}c`]);
    });

    test('a range whose end is not after its start is empty', async () => {
      const p = await seed();

      expect(await under.store.range(range(`${p}d`, `${p}b`))).toMatchObject({ kvs: [], count: 0, more: false });
      expect(await under.store.range(range(`${p}b`, `${p}b`))).toMatchObject({ kvs: [], count: 0 });
    });

    test('fromKey reads on to the last key, everything from the first', async () => {
      const p = await seed();

      expect(keyTexts((await under.store.range(fromKey(`${p}c`))).kvs).slice(0, 2)).toEqual([`${p}c`, `${p}d`]);
      expect(keyTexts((await under.store.range(everything())).kvs)).toEqual(
        expect.arrayContaining([`${p}a`, `${p}b`, `${p}c`, `${p}d`]),
      );
    });

    test('limit cuts, says so, and still counts all', async () => {
      const p = await seed();

      const cut = await under.store.range(prefix(p), { limit: 3 });
      const exact = await under.store.range(prefix(p), { limit: 4 });

      expect(keyTexts(cut.kvs)).toEqual([`${p}a`, `${p}b`, `${p}c`]);
      expect(cut).toMatchObject({ count: 4, more: true });
      expect(exact).toMatchObject({ count: 4, more: false });
      expect(exact.kvs).toHaveLength(4);
    });

    test('countOnly counts without keys', async () => {
      const p = await seed();

      expect(await under.store.range(prefix(p), { countOnly: true, limit: 1 })).toMatchObject({
        kvs: [],
        count: 4,
        more: false,
      });
    });

    test('keysOnly leaves the values out', async () => {
      const p = await seed();
      const { kvs } = await under.store.range(prefix(p), { keysOnly: true });

      expect(texts(kvs)).toEqual([`${p}a=`, `${p}b=`, `${p}c=`, `${p}d=`]);
      expect(kvs[0]!.version).toBe(1);
    });

    test.each([
      ['key', 'descend', 'dcba'],
      ['createRevision', 'ascend', 'badc'],
      ['createRevision', 'descend', 'cdab'],
      ['modRevision', 'none', 'adcb'],
      ['modRevision', 'descend', 'bcda'],
      ['version', 'descend', 'bacd'],
      ['value', 'ascend', 'acdb'],
      ['value', 'descend', 'bdca'],
    ] as const)('sorted by %s, %s, the keys come as %s', async (sortTarget, sortOrder, expected) => {
      const p = await seed();
      await under.store.put(`${p}b`, 'zz');

      const { kvs } = await under.store.range(prefix(p), { sortTarget, sortOrder });

      expect(
        keyTexts(kvs)
          .map((name) => name.slice(p.length))
          .join(''),
      ).toBe(expected);
    });

    test('limit cuts after sorting', async () => {
      const p = await seed();
      const { kvs, more } = await under.store.range(prefix(p), {
        sortTarget: 'createRevision',
        sortOrder: 'descend',
        limit: 1,
      });

      expect(keyTexts(kvs)).toEqual([`${p}c`]);
      expect(more).toBe(true);
    });

    test('revision filters are inclusive, and the count ignores them', async () => {
      const p = await seed();
      const { kvs } = await under.store.range(prefix(p), { sortTarget: 'createRevision' });
      const [b, a, d] = kvs.map((kv) => kv.createRevision) as [number, number, number, number];
      await under.store.put(`${p}b`, 'again');
      const names = async (options: object) => {
        const answer = await under.store.range(prefix(p), options);
        expect(answer.count).toBe(4);
        return keyTexts(answer.kvs)
          .map((name) => name.slice(p.length))
          .join('');
      };

      expect(await names({ minCreateRevision: a })).toBe('acd');
      expect(await names({ maxCreateRevision: a })).toBe('ab');
      expect(await names({ minCreateRevision: a, maxCreateRevision: d })).toBe('ad');
      expect(await names({ maxModRevision: d })).toBe('ad');
      expect(await names({ minModRevision: b + 3 })).toBe('bc');
    });

    test('a page is read at one revision while the store goes on', async () => {
      const p = await seed();
      const first = await under.store.range(prefix(p), { limit: 2 });
      await under.store.put(`${p}bb`, 'later');

      const second = await under.store.range(range(`${p}c`, `${p}z`), { revision: first.revision });

      expect(keyTexts(second.kvs)).toEqual([`${p}c`, `${p}d`]);
      expect(second.revision).toBe(first.revision + 1);
    });

    test('a revision that does not exist yet is refused', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, '1');

      await failsWith('FUTURE_REVISION', () => under.store.range(prefix(p), { revision: revision + 1000 }));
    });
  });

  describe('delete', () => {
    test('deleting keys makes one revision for all and answers how many', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, '1');
      const last = await under.store.put(`${p}b`, '2');

      const answer = await under.store.delete(prefix(p), { previous: true });

      expect(answer).toMatchObject({ deleted: 2, revision: last.revision + 1 });
      expect(texts(answer.previous)).toEqual([`${p}a=1`, `${p}b=2`]);
      expect((await under.store.range(prefix(p))).count).toBe(0);
    });

    test('deleting nothing makes no revision', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, '1');

      expect(await under.store.delete(`${p}none`)).toEqual({ deleted: 0, revision, previous: [] });
      expect(await under.store.delete(range(`${p}z`, `${p}b`))).toMatchObject({ deleted: 0, revision });
    });
  });

  describe('bad input', () => {
    test('an empty key is refused everywhere', async () => {
      await failsWith('EMPTY_KEY', () => under.store.get(''));
      await failsWith('EMPTY_KEY', () => under.store.range(range('', 'b')));
      await failsWith('EMPTY_KEY', () => under.store.put('', 'value'));
      await failsWith('EMPTY_KEY', () => under.store.delete(''));
    });

    test('ignoreValue with a value, or for a key that is not there, is refused', async () => {
      const p = freshPrefix();
      await failsWith('VALUE_PROVIDED', () => under.store.put(`${p}a`, 'value', { ignoreValue: true }));
      await failsWith('KEY_NOT_FOUND', () => under.store.put(`${p}a`, '', { ignoreValue: true }));
      await failsWith('KEY_NOT_FOUND', () => under.store.put(`${p}a`, 'value', { ignoreLease: true }));
      await failsWith('LEASE_PROVIDED', () => under.store.put(`${p}a`, 'v', { ignoreLease: true, lease: 1n }));
      expect(await under.store.get(`${p}a`)).toBeUndefined();
    });

    test('a value above the limit is refused, and the store goes on', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, 'before');

      await failsWith('REQUEST_TOO_LARGE', () => under.store.put(`${p}a`, new Uint8Array(1_600_000)));

      expect((await under.store.put(`${p}b`, new Uint8Array(1_400_000))).revision).toBe(revision + 1);
      expect(toText((await under.store.get(`${p}a`))!.value)).toBe('before');
    });

    test('an unknown lease is refused and nothing is written', async () => {
      const p = freshPrefix();
      await failsWith('LEASE_NOT_FOUND', () => under.store.put(`${p}a`, 'value', { lease: 987654321n }));

      expect(await under.store.get(`${p}a`)).toBeUndefined();
    });

    test('a call that is aborted before it begins does nothing', async () => {
      const p = freshPrefix();
      const reason = new Error('no longer wanted');

      await expect(under.store.put(`${p}a`, '1', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(await under.store.get(`${p}a`)).toBeUndefined();
    });
  });
}

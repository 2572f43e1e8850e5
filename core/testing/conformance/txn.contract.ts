import { describe, expect } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import { InvalidArgumentError } from '../../base/errors.js';
import { fromKey, prefix } from '../../base/key-range.js';
import type { Compare, RangeResult, TxnResult } from '../../base/operation.js';
import { createRevision, get, leaseOf, modRevision, put, remove, value, version } from '../../txn.js';
import { failsWith, freshPrefix, keyTexts, type StoreUnderTest, texts } from './fixture.js';
import { test } from './patient-test.js';

/** Transactions. Source: etcd API reference, KV.Txn. */
export function txnContract(under: StoreUnderTest): void {
  describe('branches', () => {
    test('without conditions the first branch is taken', async () => {
      const p = freshPrefix();
      const answer = await under.store
        .txn()
        .do(put(`${p}a`, '1'))
        .otherwise(put(`${p}b`, '2'))
        .commit();

      expect(answer.succeeded).toBe(true);
      expect(keyTexts((await under.store.range(prefix(p))).kvs)).toEqual([`${p}a`]);
    });

    test('if one condition fails, the other branch is taken', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, '1');
      const answer = await under.store
        .txn()
        .when(version(`${p}a`).equals(1), value(`${p}a`).equals('other'))
        .do(remove(`${p}a`))
        .otherwise(get(`${p}a`))
        .commit();

      expect(answer.succeeded).toBe(false);
      expect(texts((answer.responses[0] as RangeResult).kvs)).toEqual([`${p}a=1`]);
    });

    test('all that a transaction changes has one revision, and reads see earlier writes', async () => {
      const p = freshPrefix();
      const before = await under.store.put(`${p}a`, '1');
      const answer = await under.store
        .txn()
        .do(get(prefix(p)), put(`${p}b`, '2'), get(prefix(p)), remove(`${p}a`), get(prefix(p)))
        .commit();

      const reads = answer.responses.filter((response) => response.type === 'range');
      expect(answer.revision).toBe(before.revision + 1);
      expect(reads.map((read) => texts(read.kvs))).toEqual([[`${p}a=1`], [`${p}a=1`, `${p}b=2`], [`${p}b=2`]]);
      expect(reads.map((read) => read.revision)).toEqual([before.revision, answer.revision, answer.revision]);
      expect((await under.store.get(`${p}b`))!.modRevision).toBe(answer.revision);
    });

    test('a transaction that changes nothing makes no revision', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}a`, '1');

      expect(
        (
          await under.store
            .txn()
            .do(get(`${p}a`), remove(`${p}none`))
            .commit()
        ).revision,
      ).toBe(revision);
    });

    test('transactions nest, and answer nested', async () => {
      const p = freshPrefix();
      const inner = under.store
        .txn()
        .when(createRevision(`${p}x`).equals(0))
        .do(put(`${p}inner`, 'yes'));
      const answer = await under.store
        .txn()
        .do(put(`${p}outer`, '1'), inner.asOperation())
        .commit();

      const nested = answer.responses[1] as TxnResult;
      expect(nested).toMatchObject({ type: 'txn', succeeded: true });
      expect(nested.responses[0]).toMatchObject({ type: 'put' });
      expect((await under.store.range(prefix(p))).count).toBe(2);
    });

    test('conditions of a nested transaction are read before anything is written', async () => {
      const p = freshPrefix();
      const inner = under.store
        .txn()
        .when(createRevision(`${p}a`).equals(0))
        .do(put(`${p}b`, 'a was absent'));
      await under.store
        .txn()
        .do(put(`${p}a`, '1'), inner.asOperation())
        .commit();

      expect(toText((await under.store.get(`${p}b`))!.value)).toBe('a was absent');
    });
  });

  describe('conditions', () => {
    async function holds(...conditions: Compare[]) {
      return (
        await under.store
          .txn()
          .when(...conditions)
          .do(get('conformance/any'))
          .commit()
      ).succeeded;
    }

    test('each relation on each number', async () => {
      const p = freshPrefix();
      const key = `${p}a`;
      const created = (await under.store.put(key, '1')).revision;
      await under.store.put(key, '2');

      for (const [field, now] of [
        [createRevision, created],
        [modRevision, created + 1],
        [version, 2],
      ] as const) {
        expect(await holds(field(key).equals(now))).toBe(true);
        expect(await holds(field(key).equals(now + 1))).toBe(false);
        expect(await holds(field(key).differs(now + 1))).toBe(true);
        expect(await holds(field(key).differs(now))).toBe(false);
        expect(await holds(field(key).isGreaterThan(now - 1))).toBe(true);
        expect(await holds(field(key).isGreaterThan(now))).toBe(false);
        expect(await holds(field(key).isLessThan(now + 1))).toBe(true);
        expect(await holds(field(key).isLessThan(now))).toBe(false);
      }
    });

    test('values compare as bytes', async () => {
      const p = freshPrefix();
      await under.store.put(`${p}a`, Uint8Array.of(0x7f));

      expect(await holds(value(`${p}a`).isLessThan(Uint8Array.of(0x80)))).toBe(true);
      expect(await holds(value(`${p}a`).isGreaterThan(Uint8Array.of(0x7e, 0xff)))).toBe(true);
      expect(await holds(value(`${p}a`).equals(Uint8Array.of(0x7f)))).toBe(true);
      expect(await holds(value(`${p}a`).differs(Uint8Array.of(0x7f)))).toBe(false);
    });

    test('a key that does not exist counts as zero, but every condition on its value is false', async () => {
      const key = `${freshPrefix()}none`;

      expect(await holds(createRevision(key).equals(0), modRevision(key).equals(0), version(key).equals(0))).toBe(true);
      expect(await holds(leaseOf(key).equals(0n))).toBe(true);
      expect(await holds(value(key).equals(''))).toBe(false);
      expect(await holds(value(key).differs('something'))).toBe(false);
    });

    test('a lease can be compared', async () => {
      const p = freshPrefix();
      const lease = await under.store.grantLease('60s');
      await under.store.put(`${p}a`, '1', { lease });

      expect(await holds(leaseOf(`${p}a`).equals(lease.id))).toBe(true);
      expect(await holds(leaseOf(`${p}a`).differs(lease.id))).toBe(false);
      await lease.revoke();
    });

    test('a condition on a range must hold for every key of it; an empty range counts as one absent key', async () => {
      const p = freshPrefix();
      const first = (await under.store.put(`${p}a`, '1')).revision;
      await under.store.put(`${p}b`, '1');

      expect(await holds(createRevision(prefix(p)).isGreaterThan(first - 1))).toBe(true);
      expect(await holds(createRevision(prefix(p)).isGreaterThan(first))).toBe(false);
      expect(await holds(value(prefix(p)).equals('1'))).toBe(true);
      expect(await holds(createRevision(prefix(`${p}none/`)).equals(0))).toBe(true);
      expect(await holds(createRevision(prefix(`${p}none/`)).isGreaterThan(0))).toBe(false);
    });
  });

  describe('guards', () => {
    const rejected = () => new InvalidArgumentError('guard', 'stale', 'the current one');

    test('a guard that holds leaves the answer as it is', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}lock`, 'me');
      const answer = await under.store
        .txn()
        .guard([createRevision(`${p}lock`).equals(revision)], rejected)
        .when(version(`${p}other`).isGreaterThan(0))
        .do(put(`${p}a`, '1'))
        .otherwise(get(`${p}lock`))
        .commit();

      expect(answer.succeeded).toBe(false);
      expect(texts((answer.responses[0] as RangeResult).kvs)).toEqual([`${p}lock=me`]);
    });

    test('a guard that does not hold rejects the whole transaction with its own error', async () => {
      const p = freshPrefix();
      const { revision } = await under.store.put(`${p}lock`, 'me');
      const txn = under.store
        .txn()
        .guard([createRevision(`${p}lock`).equals(revision)], rejected)
        .guard([createRevision(`${p}second`).equals(1)], () => new InvalidArgumentError('second', 'stale', 'held'))
        .do(put(`${p}a`, '1'))
        .otherwise(put(`${p}b`, '1'));

      await expect(txn.commit()).rejects.toThrow(/second/);
      await under.store.delete(`${p}lock`);
      await expect(txn.commit()).rejects.toThrow(/guard/);
      expect((await under.store.range(prefix(p))).count).toBe(0);
    });
  });

  describe('bad input', () => {
    test('a key put twice in one branch is refused; in two branches it is not', async () => {
      const p = freshPrefix();
      await failsWith('DUPLICATE_KEY', () =>
        under.store
          .txn()
          .do(put(`${p}a`, '1'), put(`${p}a`, '2'))
          .commit(),
      );
      await failsWith('DUPLICATE_KEY', () =>
        under.store
          .txn()
          .do(put(`${p}a`, '1'), remove(prefix(p)))
          .commit(),
      );
      expect((await under.store.range(prefix(p))).count).toBe(0);

      await under.store
        .txn()
        .do(put(`${p}a`, '1'))
        .otherwise(put(`${p}a`, '2'))
        .commit();
      await under.store
        .txn()
        .do(remove(prefix(p)), remove(`${p}a`))
        .commit();
    });

    test('a nested put of a key that its sibling puts is refused', async () => {
      const p = freshPrefix();
      const nested = under.store
        .txn()
        .do(put(`${p}a`, 'inner'))
        .otherwise(put(`${p}a`, 'other'));

      await failsWith('DUPLICATE_KEY', () =>
        under.store
          .txn()
          .do(put(`${p}a`, '1'), nested.asOperation())
          .commit(),
      );
      expect((await under.store.txn().do(nested.asOperation()).commit()).succeeded).toBe(true);
    });

    test('128 operations are taken, 129 are refused', async () => {
      const p = freshPrefix();
      const puts = (count: number) => Array.from({ length: count }, (_, i) => put(`${p}${i}`, ''));

      await failsWith('TOO_MANY_OPERATIONS', () =>
        under.store
          .txn()
          .do(...puts(129))
          .commit(),
      );
      expect(
        (
          await under.store
            .txn()
            .do(...puts(128))
            .commit()
        ).responses,
      ).toHaveLength(128);
    });

    test('nested transactions share what the outer leaves of the limit', async () => {
      const p = freshPrefix();
      const nested = (count: number) =>
        under.store
          .txn()
          .do(...Array.from({ length: count }, (_, i) => put(`${p}${i}`, '')))
          .asOperation();

      await failsWith('TOO_MANY_OPERATIONS', () => under.store.txn().do(nested(128)).commit());
      expect((await under.store.txn().do(nested(127)).commit()).succeeded).toBe(true);
    });

    test('one bad operation undoes the whole transaction', async () => {
      const p = freshPrefix();
      await failsWith('LEASE_NOT_FOUND', () =>
        under.store
          .txn()
          .do(put(`${p}a`, '1'), put(`${p}b`, '2', { lease: 424242n }))
          .commit(),
      );
      await failsWith('KEY_NOT_FOUND', () =>
        under.store
          .txn()
          .do(put(`${p}a`, '1'), put(`${p}b`, '', { ignoreValue: true }))
          .commit(),
      );
      await failsWith('FUTURE_REVISION', () =>
        under.store
          .txn()
          .do(put(`${p}a`, '1'), get(`${p}a`, { revision: 1_000_000_000 }))
          .commit(),
      );
      await failsWith('EMPTY_KEY', () =>
        under.store
          .txn()
          .do(put(`${p}a`, '1'), put('', '2'))
          .commit(),
      );
      await failsWith('EMPTY_KEY', () => under.store.txn().when(version('').equals(0)).commit());

      expect((await under.store.range(prefix(p))).count).toBe(0);
    });

    test('a delete without an end may cover a key that is put: both are carried out in order', async () => {
      const p = freshPrefix();
      const txn = under.store.txn().do(put(`${p}a`, '1'), remove(fromKey(`${p}a`)));
      // In the store that a namespace is a part of, this has an end: that of the namespace.
      if (under.isNamespace) await failsWith('DUPLICATE_KEY', () => txn.commit());
      else await txn.commit();

      expect(await under.store.get(`${p}a`)).toBeUndefined();
    });
  });
}

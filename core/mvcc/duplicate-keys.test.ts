import { describe, expect, it } from '@jest/globals';
import { everything, fromKey, prefix, range } from '../base/key-range.js';
import type { Operation } from '../base/operation.js';
import { assertNoDuplicateKeys } from './duplicate-keys.js';
import { get, put, remove, txn } from './testing/test-store.js';

const isRefused = (...operations: Operation[]) => {
  try {
    assertNoDuplicateKeys(operations);
  } catch (error) {
    return (error as { code: string }).code === 'DUPLICATE_KEY';
  }
  return false;
};

describe('in one list', () => {
  it('two puts of a key are refused', () => {
    expect(isRefused(put('a', '1'), put('b', '1'), put('a', '2'))).toBe(true);
    expect(isRefused(put('a', '1'), put('b', '1'))).toBe(false);
  });

  it('a put of a key that is deleted is refused, whichever comes first', () => {
    expect(isRefused(put('a', ''), remove('a'))).toBe(true);
    expect(isRefused(remove('a'), put('a', ''))).toBe(true);
    expect(isRefused(remove('b'), put('a', ''))).toBe(false);
    expect(isRefused(put('ab', ''), remove(prefix('a')))).toBe(true);
    expect(isRefused(remove(range('a', 'c')), put('b', ''))).toBe(true);
  });

  it('a delete reaches from its key to just before its end', () => {
    const deletion = remove(range('b', 'd'));

    expect(['a', 'b', 'c', 'd'].map((key) => isRefused(deletion, put(key, '')))).toEqual([false, true, true, false]);
    expect(isRefused(remove(range('d', 'b')), put('c', ''))).toBe(false);
  });

  it('deletes may overlap, and ranges may read anything', () => {
    expect(isRefused(remove('a'), remove('a'), remove(prefix('a')))).toBe(false);
    expect(isRefused(put('a', ''), get('a'), get(prefix('')), get('a'))).toBe(false);
  });

  it('a delete without an end collides with no put, as in etcd', () => {
    expect(isRefused(put('b', ''), remove(fromKey('a')))).toBe(false);
    expect(isRefused(remove(everything()), put('b', ''))).toBe(false);
    expect(isRefused(put('b', ''), remove(fromKey('b')))).toBe(false);
  });
});

describe('with nested transactions', () => {
  it('a put collides with a put beside the transaction', () => {
    expect(isRefused(put('a', ''), txn({ success: [put('a', '')] }))).toBe(true);
    expect(isRefused(txn({ failure: [put('a', '')] }), put('a', ''))).toBe(true);
  });

  it('a put collides with a delete beside the transaction, and the other way round', () => {
    expect(isRefused(remove(prefix('a')), txn({ success: [put('ab', '')] }))).toBe(true);
    expect(isRefused(txn({ failure: [put('ab', '')] }), remove(prefix('a')))).toBe(true);
    expect(isRefused(put('ab', ''), txn({ success: [remove(prefix('a'))] }))).toBe(true);
    expect(isRefused(put('ab', ''), txn({ failure: [remove(prefix('a'))] }))).toBe(true);
  });

  it('both branches of one may put a key', () => {
    expect(isRefused(txn({ success: [put('a', '1')], failure: [put('a', '2')] }))).toBe(false);
  });

  it('both branches of one may put a key that neither may share with another', () => {
    const both = txn({ success: [put('a', '1')], failure: [put('a', '2')] });

    expect(isRefused(both, txn({ success: [put('a', '3')] }))).toBe(true);
    expect(isRefused(txn({ success: [put('a', '3')] }), both)).toBe(true);
    expect(isRefused(txn({ success: [put('a', '3')] }), txn({ failure: [put('a', '3')] }))).toBe(true);
  });

  it('one branch may put what the other deletes', () => {
    expect(isRefused(txn({ success: [put('a', '')], failure: [remove('a')] }))).toBe(false);
  });

  it('a put collides with deletes of transactions before its own, not after it, as in etcd', () => {
    const putting = txn({ success: [put('a', '')] });
    const deleting = txn({ success: [remove('a')] });

    expect(isRefused(deleting, putting)).toBe(true);
    expect(isRefused(putting, deleting)).toBe(false);
  });

  it('the rules hold at any depth', () => {
    const deep = (operation: Operation) => txn({ success: [txn({ failure: [operation] })] });

    expect(isRefused(put('a', ''), deep(put('a', '')))).toBe(true);
    expect(isRefused(remove('a'), deep(put('a', '')))).toBe(true);
    expect(isRefused(deep(put('b', '')), deep(put('a', '')))).toBe(false);
    expect(isRefused(txn({ success: [put('a', ''), put('a', '')] }))).toBe(true);
  });
});

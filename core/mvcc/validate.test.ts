import { describe, expect, it } from '@jest/globals';
import { prefix } from '../base/key-range.js';
import { LIMITS } from '../base/limits.js';
import type { Operation, RangeRequest, TxnRequest } from '../base/operation.js';
import { compare, get, put, remove, txn } from './testing/test-store.js';
import { validateDelete, validatePut, validateRange, validateTxn } from './validate.js';

const code = (validate: () => void) => {
  try {
    validate();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'OK';
};
const txnCode = (request: Partial<TxnRequest>) => code(() => validateTxn(txn(request)));

describe('a range', () => {
  const rangeCode = (options: Partial<RangeRequest>) => code(() => validateRange(get('k', options)));

  it('needs a key', () => {
    expect(code(() => validateRange(get('')))).toBe('EMPTY_KEY');
    expect(code(() => validateRange(get('k')))).toBe('OK');
    expect(code(() => validateRange(get(prefix(''))))).toBe('OK');
  });

  it('may end before it starts', () => {
    expect(rangeCode({ end: Uint8Array.of(1) })).toBe('OK');
  });

  it('is sorted only by what there is', () => {
    expect(rangeCode({ sortOrder: 'descend', sortTarget: 'value' })).toBe('OK');
    expect(rangeCode({ sortOrder: 'random' as 'none' })).toBe('INVALID_ARGUMENT');
    expect(rangeCode({ sortTarget: 'lease' as 'key' })).toBe('INVALID_ARGUMENT');
  });

  it.each(['limit', 'revision', 'minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision'])(
    'takes a %s of 53 bits and no more',
    (field) => {
      expect(rangeCode({ [field]: Number.MAX_SAFE_INTEGER })).toBe('OK');
      expect(rangeCode({ [field]: -1 })).toBe('OK');
      expect(rangeCode({ [field]: 2 ** 53 })).toBe('INVALID_ARGUMENT');
      expect(rangeCode({ [field]: 1.5 })).toBe('INVALID_ARGUMENT');
      expect(rangeCode({ [field]: Number.NaN })).toBe('INVALID_ARGUMENT');
    },
  );
});

describe('a put', () => {
  it('needs a key, not a value', () => {
    expect(code(() => validatePut(put('', 'v')))).toBe('EMPTY_KEY');
    expect(code(() => validatePut(put('k', '')))).toBe('OK');
  });

  it('gives no value when the value shall be kept', () => {
    expect(code(() => validatePut(put('k', 'v', { ignoreValue: true })))).toBe('VALUE_PROVIDED');
    expect(code(() => validatePut(put('k', '', { ignoreValue: true })))).toBe('OK');
  });

  it('gives no lease when the lease shall be kept', () => {
    expect(code(() => validatePut(put('k', 'v', { ignoreLease: true, lease: 5n })))).toBe('LEASE_PROVIDED');
    expect(code(() => validatePut(put('k', 'v', { ignoreLease: true, lease: 0n })))).toBe('OK');
    expect(code(() => validatePut(put('k', 'v', { ignoreLease: true })))).toBe('OK');
  });
});

it('a delete needs a key', () => {
  expect(code(() => validateDelete({ type: 'delete', key: new Uint8Array(0) }))).toBe('EMPTY_KEY');
  expect(code(() => validateDelete({ type: 'delete', ...prefix('a') }))).toBe('OK');
});

describe('a transaction', () => {
  const limit = LIMITS.txnOperations;
  const puts = (count: number): Operation[] => Array.from({ length: count }, (_, at) => put(`k${at}`, ''));

  it('may be empty', () => {
    expect(txnCode({})).toBe('OK');
  });

  it('takes up to the limit of compares, and of operations in either branch', () => {
    const compares = (count: number) => Array.from({ length: count }, () => compare('k', 'version', 'equal', 0));

    expect(txnCode({ compares: compares(limit), success: puts(limit), failure: puts(limit) })).toBe('OK');
    expect(txnCode({ compares: compares(limit + 1) })).toBe('TOO_MANY_OPERATIONS');
    expect(txnCode({ success: puts(limit + 1) })).toBe('TOO_MANY_OPERATIONS');
    expect(txnCode({ failure: puts(limit + 1) })).toBe('TOO_MANY_OPERATIONS');
  });

  it('leaves to those it nests what its longest list leaves of the limit', () => {
    expect(txnCode({ success: [txn({ success: puts(limit - 1) })] })).toBe('OK');
    expect(txnCode({ success: [txn({ success: puts(limit) })] })).toBe('TOO_MANY_OPERATIONS');
    expect(txnCode({ success: [txn({})], failure: puts(limit) })).toBe('OK');
    expect(txnCode({ success: [txn({ success: puts(1) })], failure: puts(limit) })).toBe('TOO_MANY_OPERATIONS');
    expect(txnCode({ failure: [txn({ success: [txn({ failure: puts(limit - 2) })] })] })).toBe('OK');
    expect(txnCode({ failure: [txn({ success: [txn({ failure: puts(limit - 1) })] })] })).toBe('TOO_MANY_OPERATIONS');
  });

  it('may nest as deep as its budget reaches', () => {
    const nested = (depth: number): TxnRequest => (depth === 0 ? txn({}) : txn({ success: [nested(depth - 1)] }));

    expect(code(() => validateTxn(nested(limit)))).toBe('OK');
    expect(code(() => validateTxn(nested(limit + 1)))).toBe('TOO_MANY_OPERATIONS');
  });

  it('is checked in all its parts, in both branches', () => {
    expect(txnCode({ compares: [compare('', 'version', 'equal', 0)] })).toBe('EMPTY_KEY');
    expect(txnCode({ compares: [compare('k', 'modRevision', 'equal', 2 ** 53)] })).toBe('INVALID_ARGUMENT');
    expect(txnCode({ success: [get('')] })).toBe('EMPTY_KEY');
    expect(txnCode({ failure: [put('', '')] })).toBe('EMPTY_KEY');
    expect(txnCode({ failure: [txn({ success: [remove('')] })] })).toBe('EMPTY_KEY');
    expect(txnCode({ success: [put('k', 'v', { ignoreValue: true })] })).toBe('VALUE_PROVIDED');
    expect(txnCode({ success: [get('k', { sortOrder: 'up' as 'none' })] })).toBe('INVALID_ARGUMENT');
  });

  it('is refused for its size before duplicates are looked for', () => {
    expect(txnCode({ success: [...puts(limit), put('k0', '')] })).toBe('TOO_MANY_OPERATIONS');
  });

  it('puts a key once in either branch', () => {
    expect(txnCode({ success: [put('k', '1'), put('k', '2')] })).toBe('DUPLICATE_KEY');
    expect(txnCode({ failure: [put('k', '1'), put('k', '2')] })).toBe('DUPLICATE_KEY');
    expect(txnCode({ success: [put('k', '1')], failure: [put('k', '2')] })).toBe('OK');
  });
});

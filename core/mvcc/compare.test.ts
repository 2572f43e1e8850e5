import { beforeEach, describe, expect, it } from '@jest/globals';
import { everything, prefix, range } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import type { Compare } from '../base/operation.js';
import { compare, TestStore, txn } from './testing/test-store.js';

let store: TestStore;

/** What every kind of result says of one thing and one operand: `=`, `!`, `>` and `<` where they hold. */
function results(target: string | KeyRange, of: Compare['target'], operand: string | number | bigint): string {
  const kinds = { equal: '=', notEqual: '!', greater: '>', less: '<' } as const;
  return Object.entries(kinds)
    .filter(([result]) => holds(compare(target, of, result as Compare['result'], operand)))
    .map(([, sign]) => sign)
    .join('');
}

function holds(...compares: Compare[]): boolean {
  return store.keyspace.readTxn(txn({ compares })).succeeded;
}

beforeEach(() => {
  store = new TestStore();
  store.put('a', 'm', { lease: 7n }); // 2
  store.put('b', 'n'); // 3
  store.put('a', 'm', { lease: 7n }); // 4
});

describe('one key', () => {
  it.each<
    [
      of: Compare['target'],
      less: string | number | bigint,
      same: string | number | bigint,
      more: string | number | bigint,
    ]
  >([
    ['version', 1, 2, 3],
    ['createRevision', 1, 2, 3],
    ['modRevision', 3, 4, 5],
    ['lease', -7n, 7n, 8n],
    ['value', 'l', 'm', 'mm'],
  ])('is compared by its %s', (of, less, same, more) => {
    expect([results('a', of, less), results('a', of, same), results('a', of, more)]).toEqual(['!>', '=', '!<']);
  });

  it('compares values by their bytes', () => {
    store.put('bytes', '', { value: Uint8Array.of(0xff) });

    expect(results('bytes', 'value', 'z')).toBe('!>');
    expect(results('bytes', 'value', '')).toBe('!>');
  });

  it('has no lease where it has none', () => {
    expect(results('b', 'lease', 0n)).toBe('=');
    expect(results('b', 'lease', 7n)).toBe('!<');
  });
});

describe('a key that does not exist', () => {
  it.each<[of: Compare['target'], zero: number | bigint, one: number | bigint]>([
    ['version', 0, 1],
    ['createRevision', 0, 1],
    ['modRevision', 0, 1],
    ['lease', 0n, 1n],
  ])('has a %s of 0', (of, zero, one) => {
    expect([results('none', of, zero), results('none', of, one)]).toEqual(['=', '!<']);
  });

  it('fails every condition on its value, even that it differs', () => {
    expect(results('none', 'value', 'x')).toBe('');
    expect(results('none', 'value', '')).toBe('');
  });

  it('is the same after it was deleted', () => {
    store.delete('b');

    expect(results('b', 'version', 0)).toBe('=');
    expect(results('b', 'modRevision', 0)).toBe('=');
    expect(results('b', 'value', 'n')).toBe('');
  });
});

describe('a range', () => {
  it('must satisfy a condition with every key', () => {
    expect(results(prefix(''), 'createRevision', 1)).toBe('!>');
    expect(results(prefix(''), 'createRevision', 2)).toBe('');
    expect(results(range('a', 'b'), 'createRevision', 2)).toBe('=');
    expect(results(everything(), 'version', 3)).toBe('!<');
    expect(results(everything(), 'value', 'l')).toBe('!>');
    expect(results(everything(), 'value', 'n')).toBe('');
  });

  it('that is empty is compared as a key that does not exist', () => {
    expect(results(prefix('x'), 'modRevision', 0)).toBe('=');
    expect(results(prefix('x'), 'lease', 1n)).toBe('!<');
    expect(results(prefix('x'), 'value', 'y')).toBe('');
    expect(results(range('b', 'a'), 'version', 0)).toBe('=');
  });
});

describe('several conditions', () => {
  const yes = () => compare('a', 'version', 'equal', 2);
  const no = () => compare('a', 'version', 'equal', 3);

  it('must all hold', () => {
    expect([holds(yes(), yes()), holds(yes(), no()), holds(no(), yes())]).toEqual([true, false, false]);
  });

  it('hold if there are none', () => {
    expect(holds()).toBe(true);
  });
});

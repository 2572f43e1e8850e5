import { describe, expect, it } from '@jest/globals';
import type { StoreCall } from '../history/operation.js';
import { did, lost, verdictOf } from '../testing/try-history.js';
import { wholeStore } from './store.js';

const put = (key: string, value: string): StoreCall => ({ op: 'put', key, value });
const both = (value: string): StoreCall => ({
  op: 'txn',
  compares: [],
  then: [put('a', value), put('b', value)],
  else: [],
});
const all: StoreCall = { op: 'range', key: 'a', end: 'z' };
const found = (a: string, b: string) => ({
  kvs: [
    { key: 'a', value: a },
    { key: 'b', value: b },
  ],
});

describe('the whole store', () => {
  it('shows both halves of a transaction or none', () => {
    const history = [did('a', [0, 1], both('1')), did('a', [2, 9], both('2'))];

    expect(verdictOf(wholeStore(), ...history, did('b', [3, 4], all, found('1', '1')))).toBe('ok');
    expect(verdictOf(wholeStore(), ...history, did('b', [3, 4], all, found('2', '2')))).toBe('ok');
    expect(verdictOf(wholeStore(), ...history, did('b', [3, 4], all, found('2', '1')))).toBe('violation');
  });

  it('takes the branch that its compares say', () => {
    const transaction: StoreCall = {
      op: 'txn',
      compares: [{ key: 'a', target: 'createRevision', is: 'greater', operand: 0 }],
      then: [{ op: 'get', key: 'a' }],
      else: [put('a', 'first')],
    };
    const [first, second] = [{ result: false }, { result: true, responses: [{ value: 'first', version: 1 }] }];

    expect(verdictOf(wholeStore(), did('a', [0, 1], transaction, first), did('a', [2, 3], transaction, second))).toBe(
      'ok',
    );
    expect(verdictOf(wholeStore(), did('a', [0, 1], transaction, second))).toBe('violation');
    expect(verdictOf(wholeStore(), did('a', [0, 1], transaction, first), did('a', [2, 3], transaction, first))).toBe(
      'violation',
    );
  });

  it('counts its revisions', () => {
    const unknown = lost('x', 0, put('x', '1'));

    expect(verdictOf(wholeStore(4), did('a', [0, 1], put('a', '1'), { revision: 5 }))).toBe('ok');
    expect(verdictOf(wholeStore(), did('a', [0, 1], put('a', '1'), { revision: 3 }))).toBe('violation');
    expect(verdictOf(wholeStore(), unknown, did('a', [0, 1], put('a', '1'), { revision: 3 }))).toBe('ok');
  });

  it('deletes the keys of a lease that is revoked', () => {
    const history = [
      did('a', [0, 1], { ...put('a', '1'), lease: '7' } as StoreCall),
      did('a', [2, 3], put('b', '1')),
      did('a', [4, 5], { op: 'revoke', lease: '7' }),
    ];
    const left = { kvs: [{ key: 'b', value: '1' }] };

    expect(verdictOf(wholeStore(), ...history, did('a', [6, 7], all, left))).toBe('ok');
    expect(verdictOf(wholeStore(), ...history, did('a', [6, 7], all, found('1', '1')))).toBe('violation');
  });
});

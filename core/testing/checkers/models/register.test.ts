import { describe, expect, it } from '@jest/globals';
import type { Call, Operation, PartAnswer } from '../history/operation.js';
import { did, lost, verdictOf } from '../testing/try-history.js';
import { register } from './register.js';

const put = (value: string): Call => ({ op: 'put', key: 'k', value });
const get: Call = { op: 'get', key: 'k' };
const cas = (expected: string | null, value: string | null): Call => ({ op: 'cas', key: 'k', expected, value });
const casRevision = (expectedRevision: number, value: string): Call => ({
  op: 'casRevision',
  key: 'k',
  expectedRevision,
  value,
});
const create = (value: string): Call => ({ op: 'create', key: 'k', value });
const judge = (...operations: readonly Operation[]) => verdictOf(register, ...operations);
/** One after the other. */
const inTurn = (...done: readonly (readonly [Call, PartAnswer?])[]) =>
  judge(...done.map(([call, answer], at) => did('c', [at * 10, at * 10 + 5], call, answer)));

describe('a key', () => {
  it.each<[what: string, ...done: (readonly [Call, PartAnswer?])[]]>([
    ['is absent at first', [get, { value: null, modRevision: 0 }]],
    ['has the value that was put', [put('1')], [get, { value: '1' }]],
    ['is gone once deleted', [put('1')], [{ op: 'delete', key: 'k' }, { deleted: 1 }], [get, { value: null }]],
    [
      'grows',
      [{ op: 'append', key: 'k', value: 'a' }],
      [{ op: 'append', key: 'k', value: 'b' }],
      [get, { value: 'ab' }],
    ],
    ['is swapped', [cas(null, '1'), { result: true }], [cas('2', '3'), { result: false }], [get, { value: '1' }]],
    ['is deleted on a condition', [put('1')], [cas('1', null), { result: true }], [get, { value: null }]],
    ['is created once', [create('1'), { result: true }], [create('2'), { result: false }], [get, { value: '1' }]],
    ['is swapped by revision', [put('1'), { revision: 5 }], [casRevision(5, '2'), { result: true, revision: 7 }]],
    ['is created by revision 0', [casRevision(0, '1'), { result: true }], [get, { value: '1', modRevision: 9 }]],
    ['has a later revision than before', [put('1'), { revision: 5 }], [put('2')], [get, { modRevision: 6 }]],
  ])('%s', (_, ...done) => {
    expect(inTurn(...done)).toBe('ok');
  });

  it.each<[what: string, ...done: (readonly [Call, PartAnswer?])[]]>([
    ['had no value before', [get, { value: '1' }]],
    ['had another value', [put('1')], [put('2')], [get, { value: '1' }]],
    ['was there to be deleted', [put('1')], [{ op: 'delete', key: 'k' }, { deleted: 0 }]],
    ['was not there to be deleted', [{ op: 'delete', key: 'k' }, { deleted: 1 }]],
    ['had not the value', [put('1')], [cas('2', '3'), { result: true }]],
    ['had the value', [put('1')], [cas('1', '3'), { result: false }]],
    ['was there already', [put('1')], [create('2'), { result: true }]],
    ['was not there', [create('2'), { result: false }]],
    ['was of another revision', [put('1'), { revision: 5 }], [casRevision(4, '2'), { result: true }]],
    ['was of this revision', [put('1'), { revision: 5 }], [casRevision(5, '2'), { result: false }]],
    ['had a later revision', [put('1'), { revision: 5 }], [put('2'), { revision: 4 }]],
    ['cannot have kept its revision', [put('1'), { revision: 5 }], [put('2')], [get, { modRevision: 5 }]],
    ['was changed later than that', [put('1'), { revision: 5 }], [get, { value: '1', revision: 4 }]],
    ['was not of it', [put('1')], [casRevision(5, '2'), { result: false }], [get, { modRevision: 5 }]],
    ['was of one revision', [put('1')], [get, { modRevision: 5 }], [get, { modRevision: 6 }]],
  ])('cannot be if it %s', (_, ...done) => {
    expect(inTurn(...done)).toBe('violation');
  });

  it('may be read in either order while it is written, but not both', () => {
    const [first, second] = [did('a', [0, 1], put('1')), did('a', [2, 20], put('2'))];
    const read = (client: string, times: [number, number], value: string) => did(client, times, get, { value });

    expect(judge(first, second, read('b', [3, 4], '1'), read('b', [5, 6], '2'))).toBe('ok');
    expect(judge(first, second, read('b', [3, 4], '2'), read('b', [5, 6], '1'))).toBe('violation');
    expect(judge(first, second, read('b', [3, 8], '2'), read('c', [5, 9], '1'))).toBe('ok');
    expect(judge(first, second, read('b', [21, 22], '1'))).toBe('violation');
  });

  it('may have been written at any time by what nobody knows of, once', () => {
    const unknown = lost('x', 5, put('2'));
    const read = (time: number, value: string) => did('a', [time, time + 1], get, { value });

    for (const times of [1, 2]) {
      const all = [did('a', [0, 1], put('1')), unknown, read(10, '1'), read(20, '2'), did('a', [30, 31], put('3'))];
      if (times === 1) expect(judge(...all, read(40, '3'))).toBe('ok');
      else expect(judge(...all, read(40, '2'))).toBe('violation');
    }
    expect(judge(read(2, '2'), unknown)).toBe('violation');
  });

  it('may owe the answer of a compare to a write that nobody found', () => {
    const unknown = lost('x', 5, { op: 'delete', key: 'k' });
    const all = [did('a', [0, 1], put('1')), did('a', [10, 11], create('2'), { result: true })];

    expect(judge(...all)).toBe('violation');
    expect(judge(...all, unknown)).toBe('ok');
    const value = lost('x', 5, put('9'));
    expect(judge(did('a', [0, 1], put('1')), did('a', [10, 11], cas('1', '2'), { result: false }), value)).toBe('ok');
  });

  it('leaves to others what is on more than one key', () => {
    expect(judge(did('a', [0, 1], { op: 'range', key: 'a', end: 'b' }, { kvs: [] }))).toBe('unknown');
    expect(judge(did('a', [0, 1], { ...get, serializable: true }, { value: 'stale' }))).toBe('ok');
    expect(judge(did('a', [0, 1], { op: 'enqueue', key: 'k', value: '1' }))).toBe('ok');
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Call, Operation, PartAnswer } from '../history/operation.js';
import { did, verdictOf } from '../testing/try-history.js';
import { election } from './election.js';

const campaign = (value: string): Call => ({ op: 'acquire', key: 'e', ttl: 100, value });
const proclaim = (token: number, value: string): Call => ({ op: 'guarded', key: 'e', token, value });
const judge = (...operations: readonly Operation[]) => verdictOf(election(), ...operations);
const asks = (at: number, answer: PartAnswer, client = 'o') =>
  did(client, [at, at + 1], { op: 'observe', key: 'e' }, answer);
const follows = (at: number, answer: PartAnswer, client = 'f') =>
  did(client, [at, at + 1], { op: 'observe', key: 'e', isLate: true }, answer);

const reign = [
  did('a', [0, 5], campaign('a1'), { token: 1 }),
  did('a', [10, 11], proclaim(1, 'a2'), { result: true }),
  did('a', [20, 21], { op: 'release', key: 'e', token: 1 }, { result: true }),
  did('b', [30, 31], campaign('b1'), { token: 2 }),
];

describe('an election', () => {
  it('tells who asks the leader of the moment', () => {
    expect(judge(...reign, asks(6, { value: 'a1', token: 1 }), asks(12, { value: 'a2' }))).toBe('ok');
    expect(judge(...reign, asks(22, { value: null }), asks(32, { value: 'b1', token: 2 }))).toBe('ok');
    expect(judge(...reign, asks(12, { value: 'a1' }))).toBe('violation');
    expect(judge(...reign, asks(22, { value: 'a2' }))).toBe('violation');
    expect(judge(...reign, asks(32, { value: null }))).toBe('violation');
    expect(judge(...reign, asks(140, { value: null }))).toBe('ok');
    expect(judge(...reign, asks(32, { value: 'b1', token: 1 }))).toBe('violation');
  });

  it('shows who follows it all leaders in their order, be it late', () => {
    expect(judge(...reign, follows(40, { value: 'a1' }), follows(42, { value: 'b1', token: 2 }))).toBe('ok');
    expect(judge(...reign, follows(40, { value: 'b1' }), follows(42, { value: 'a1' }))).toBe('violation');
    expect(judge(...reign, follows(40, { value: 'b1' }, 'f'), follows(42, { value: 'a1' }, 'g'))).toBe('ok');
    expect(judge(...reign, follows(12, { value: 'b1' }))).toBe('violation');
    expect(judge(...reign, follows(40, { value: 'never' }))).toBe('violation');
  });

  it('does not let two lead', () => {
    expect(judge(...reign, did('c', [40, 41], campaign('c1'), { token: 3 }))).toBe('violation');
    expect(judge(...reign, did('a', [40, 41], proclaim(1, 'a3'), { result: true }))).toBe('violation');
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Call, Operation } from '../history/operation.js';
import { did, lost, verdictOf } from '../testing/try-history.js';
import { lock } from './lock.js';

const TTL = 100;
const acquire: Call = { op: 'acquire', key: 'l', ttl: TTL };
const renew = (token: number): Call => ({ op: 'renew', key: 'l', token });
const release = (token: number): Call => ({ op: 'release', key: 'l', token });
const guarded = (token: number): Call => ({ op: 'guarded', key: 'l', token });
const judge = (...operations: readonly Operation[]) => verdictOf(lock(), ...operations);

const first = did('a', [0, 10], acquire, { token: 5 });

describe('a lock', () => {
  it('goes from holder to holder', () => {
    expect(
      judge(
        first,
        did('a', [20, 21], guarded(5), { result: true }),
        did('a', [30, 31], release(5), { result: true }),
        did('b', [12, 35], acquire, { token: 6 }),
        did('b', [40, 41], guarded(6), { result: true }),
        did('a', [42, 43], guarded(5), { result: false }),
      ),
    ).toBe('ok');
  });

  it('has one holder at a time', () => {
    expect(judge(first, did('b', [20, 30], acquire, { token: 6 }))).toBe('violation');
    expect(judge(first, did('b', [20, 30], acquire, { result: false }))).toBe('ok');
  });

  it('may be another’s once the lease may have ended, and not before', () => {
    expect(judge(first, did('b', [20, 99], acquire, { token: 6 }))).toBe('violation');
    expect(judge(first, did('b', [20, 100], acquire, { token: 6 }))).toBe('ok');
    const renewed = did('a', [50, 51], renew(5), { result: true });
    expect(judge(first, renewed, did('b', [60, 149], acquire, { token: 6 }))).toBe('violation');
    expect(judge(first, renewed, did('b', [60, 150], acquire, { token: 6 }))).toBe('ok');
    expect(verdictOf(lock(10), first, did('b', [20, 90], acquire, { token: 6 }))).toBe('ok');
  });

  it('keeps its holder past the TTL if nothing ends it', () => {
    const late = did('a', [300, 301], guarded(5), { result: true });

    expect(judge(first, late, did('b', [290, 310], acquire, { token: 6 }))).toBe('ok');
    expect(judge(first, did('b', [290, 295], acquire, { token: 6 }), late)).toBe('violation');
  });

  it('gives tokens that grow', () => {
    const second = (token: number) => [first, did('a', [20, 21], release(5)), did('b', [30, 31], acquire, { token })];

    expect(judge(...second(6))).toBe('ok');
    expect(judge(...second(5))).toBe('violation');
    expect(judge(...second(4))).toBe('violation');
  });

  it('takes guarded writes with the newest token only', () => {
    const both = [first, did('b', [90, 120], acquire, { token: 6 })];

    expect(judge(...both, did('a', [130, 131], guarded(5), { result: true }))).toBe('violation');
    expect(judge(...both, did('a', [130, 131], guarded(5), { result: false }))).toBe('ok');
    expect(judge(...both, did('b', [130, 131], guarded(6), { result: false }))).toBe('violation');
    expect(judge(...both, did('b', [180, 190], guarded(6), { result: false }))).toBe('ok');
    expect(judge(did('x', [0, 1], guarded(1), { result: true }))).toBe('violation');
  });

  it('is lost for good once somebody was told so', () => {
    const told = did('a', [90, 110], renew(5), { result: false });

    expect(judge(first, told)).toBe('ok');
    expect(judge(first, told, did('a', [120, 121], guarded(5), { result: true }))).toBe('violation');
    expect(judge(first, did('a', [80, 90], renew(5), { result: false }))).toBe('violation');
  });

  it('may be held by somebody who was never told', () => {
    const unknown = lost('x', 0, acquire);

    expect(judge(unknown, did('b', [20, 30], acquire, { token: 6 }))).toBe('ok');
    expect(judge(unknown, did('x', [40, 41], guarded(5), { result: true }))).toBe('ok');
    expect(
      judge(unknown, did('x', [40, 41], guarded(5), { result: true }), did('b', [50, 60], acquire, { token: 6 })),
    ).toBe('violation');
    expect(judge(first, lost('a', 15, release(5)), did('b', [20, 30], acquire, { token: 6 }))).toBe('ok');
  });

  it('does not let time go back for what comes after an end', () => {
    const gone = did('b', [20, 120], acquire, { token: 6 });

    // It cannot come before b has the lock, which is after 100; and after it not either, for it returned by 60.
    expect(judge(first, gone, did('b', [30, 60], guarded(6), { result: true }))).toBe('violation');
  });
});

import { describe, expect, it } from '@jest/globals';
import type { BarrierCall, Operation } from '../history/operation.js';
import { did, lost, verdictOf } from '../testing/try-history.js';
import { doubleBarrier } from './double-barrier.js';

const call = (op: BarrierCall['op']): BarrierCall => ({ op, key: 'b', size: 2 });
const enters = (client: string, from: number, to: number) => did(client, [from, to], call('enter'));
const leaves = (client: string, from: number, to: number) => did(client, [from, to], call('leave'));
const judge = (...operations: readonly Operation[]) => verdictOf(doubleBarrier, ...operations);

const round = [enters('a', 0, 11), enters('b', 10, 12), leaves('b', 20, 31), leaves('a', 30, 32)];

describe('a double barrier', () => {
  it('lets all in once all have come, and out once all leave, again and again', () => {
    expect(judge(...round)).toBe('ok');
    expect(judge(...round, enters('b', 40, 51), enters('a', 50, 55), leaves('a', 60, 71), leaves('b', 70, 72))).toBe(
      'ok',
    );
  });

  it('lets nobody in early', () => {
    expect(judge(enters('a', 0, 9), enters('b', 10, 12))).toBe('violation');
    expect(judge(enters('a', 0, 9))).toBe('violation');
    expect(judge(enters('a', 0, 9), lost('b', 5, call('enter')))).toBe('ok');
  });

  it('lets nobody out early', () => {
    expect(judge(...round.slice(0, 2), leaves('b', 20, 25), leaves('a', 30, 32))).toBe('violation');
    expect(judge(...round.slice(0, 2), leaves('b', 20, 25), lost('a', 22, call('leave')))).toBe('ok');
  });

  it('begins no round before the last is over', () => {
    expect(judge(...round.slice(0, 3), lost('a', 30, call('leave')), enters('b', 40, 51), enters('c', 40, 51))).toBe(
      'ok',
    );
    expect(judge(...round.slice(0, 2), enters('c', 13, 15), enters('d', 13, 15))).toBe('violation');
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Call, Operation } from '../history/operation.js';
import { did, lost, verdictOf } from '../testing/try-history.js';
import { queue } from './queue.js';

const enqueue = (value: string): Call => ({ op: 'enqueue', key: 'q', value });
const dequeue: Call = { op: 'dequeue', key: 'q' };
const judge = (...operations: readonly Operation[]) => verdictOf(queue, ...operations);
const takes = (at: number, value: string | null) => did('t', [at, at + 1], dequeue, { value });

const put = [did('p', [0, 1], enqueue('1')), did('p', [2, 3], enqueue('2'))];

describe('a queue', () => {
  it('hands out what was put, in order and once', () => {
    expect(judge(...put, takes(10, '1'), takes(12, '2'), takes(14, null))).toBe('ok');
    expect(judge(...put, takes(10, '2'))).toBe('violation');
    expect(judge(...put, takes(10, '1'), takes(12, '1'))).toBe('violation');
    expect(judge(...put, takes(10, null))).toBe('violation');
    expect(judge(...put, takes(10, '1'), takes(12, '2'), takes(14, '3'))).toBe('violation');
  });

  it('has either order for what was put at once', () => {
    const both = [did('p', [0, 5], enqueue('1')), did('r', [0, 5], enqueue('2'))];

    expect(judge(...both, takes(10, '2'), takes(12, '1'))).toBe('ok');
    expect(judge(...both, takes(10, '2'), takes(12, '2'))).toBe('violation');
  });

  it('may lose an item to one who was never told, and only to them', () => {
    expect(judge(...put, takes(20, '2'), lost('x', 10, dequeue))).toBe('ok');
    expect(judge(...put, takes(20, null), lost('x', 10, dequeue))).toBe('violation');
    expect(judge(...put, takes(20, null), lost('x', 10, dequeue), lost('y', 10, dequeue))).toBe('ok');
    expect(judge(lost('x', 0, enqueue('9')), takes(20, '9'))).toBe('ok');
    expect(judge(takes(20, '9'), lost('x', 25, enqueue('9')))).toBe('violation');
  });
});

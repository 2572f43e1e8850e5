import { describe, expect, test } from '@jest/globals';
import { Trace } from './trace.js';

describe('a trace', () => {
  test('tells the last steps, oldest first', () => {
    let nowMs = 0;
    const trace = new Trace(() => nowMs, 3);
    for (nowMs of [1, 2, 3.5, 1_234])
      trace.note('is killed', `m${Math.floor(nowMs)}`, nowMs === 1_234 ? { by: 255n, why: new Error('x') } : '');

    expect(trace.last().map((step) => step.trim())).toEqual([
      '2.000 ms  m2  is killed',
      '3.500 ms  m3  is killed',
      '1234.000 ms  m1234  is killed  by: ff, why: x',
    ]);
  });

  test('has another hash when anything of it is different', () => {
    const hashOf = (fill: (trace: Trace) => void, nowMs = 1) => {
      const trace = new Trace(() => nowMs);
      fill(trace);
      return trace.hash;
    };
    const hashes = [
      hashOf(() => undefined),
      hashOf((trace) => trace.note('a')),
      hashOf((trace) => trace.note('a'), 2),
      hashOf((trace) => trace.note('b')),
      hashOf((trace) => trace.note('a', 'x')),
      hashOf((trace) => trace.note('a', 1)),
      hashOf((trace) => trace.note('a', 2n)),
      hashOf((trace) => trace.note('b', 'x', { shown: 'alone' })),
      hashOf((trace) => trace.note('a', 'x', 0.5)),
      hashOf((trace) => trace.event(1, 2)),
      hashOf((trace) => trace.event(2, 1)),
      hashOf((trace) => trace.bytes(Buffer.from('ab'))),
      hashOf((trace) => trace.bytes(Buffer.from('ac'))),
      hashOf((trace) => (trace.note('a'), trace.note('b'))),
      hashOf((trace) => (trace.note('b'), trace.note('a'))),
    ];

    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashOf((trace) => trace.note('a', 'x', 7))).toBe(hashOf((trace) => trace.note('a', 'x', 7)));
  });
});

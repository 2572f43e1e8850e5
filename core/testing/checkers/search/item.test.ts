import { describe, expect, it } from '@jest/globals';
import { did } from '../testing/try-history.js';
import { segmentsOf, toItem } from './item.js';

describe('segmentsOf', () => {
  const segments = (least: number, ...times: readonly (readonly [number, number])[]) =>
    segmentsOf(
      times.map((pair) => toItem(did('c', pair, { op: 'get', key: 'k' }))),
      least,
    ).map((segment) => segment.map(({ call }) => call));

  it('cuts where nothing is open; what returns as another is called is open', () => {
    expect(segments(1, [0, 5], [2, 3], [6, 7], [7, 9], [10, 11])).toEqual([[0, 2], [6, 7], [10]]);
    expect(segments(1, [6, 7], [0, 9], [10, 11])).toEqual([[0, 6], [10]]);
  });

  it('leaves segments as long as is asked', () => {
    expect(segments(2, [0, 1], [2, 3], [4, 5])).toEqual([[0, 2], [4]]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { parseGoDuration } from './go-duration.js';

describe('a duration as Go writes it', () => {
  test.each([
    ['0', 0],
    ['5s', 5_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['300ms', 300],
    ['2m3s4ms', 123_004],
    ['7us', 0.007],
  ])('%s is %p ms', (text, ms) => {
    expect(parseGoDuration(text)).toBeCloseTo(ms, 6);
  });

  test.each(['', '5', 's', '-5s', '5s ', '5 s', '1d', '1h30', 'abc', '9'.repeat(400) + 'h'])('%p is none', (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });
});

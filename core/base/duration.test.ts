import { expect, test } from '@jest/globals';
import { type Duration, toMilliseconds } from './duration.js';

test.each<[Duration, number]>([
  [0, 0],
  [1500, 1500],
  ['250ms', 250],
  ['15s', 15_000],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
])('%s is %d milliseconds', (duration, ms) => {
  expect(toMilliseconds(duration, 'ttl')).toBe(ms);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '15', '15 s', '-3s', 's', '1d', ''])(
  '%p is refused, naming field, value and limit',
  (duration) => {
    expect(() => toMilliseconds(duration as Duration, 'ttl')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'ttl', value: duration }),
    );
  },
);

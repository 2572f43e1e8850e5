import { getMaxListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { onAbort } from './on-abort.js';

describe('a signal', () => {
  test('tells everyone who listens, once, and not those who stopped', () => {
    const controller = new AbortController();
    const told: number[] = [];
    const stops = [1, 2, 3].map((listener) => onAbort(controller.signal, () => told.push(listener)));

    stops[1]!();
    controller.abort();
    controller.abort();

    expect(told).toEqual([1, 3]);
  });

  test('may have any number of listeners without a warning', () => {
    const { signal } = new AbortController();

    onAbort(signal, () => {});

    expect(getMaxListeners(signal)).toBe(Number.POSITIVE_INFINITY);
  });

  test('that is not there is never heard', () => {
    expect(() => onAbort(undefined, () => {})()).not.toThrow();
  });
});

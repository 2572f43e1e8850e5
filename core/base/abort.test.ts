import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { abortable, onAbort } from './abort.js';

describe('a signal', () => {
  test('tells everyone who listens why, once, and not those who stopped', () => {
    const controller = new AbortController();
    const told: [number, unknown][] = [];
    const stops = [1, 2, 3].map((n) => onAbort(controller.signal, (reason) => told.push([n, reason])));

    stops[1]!();
    controller.abort('enough');
    controller.abort('more');

    expect(told).toEqual([
      [1, 'enough'],
      [3, 'enough'],
    ]);
  });

  test('that has aborted calls back at once', () => {
    const told: unknown[] = [];

    onAbort(AbortSignal.abort('before'), (reason) => told.push(reason))();

    expect(told).toEqual(['before']);
  });

  test('that is not there is never heard', () => {
    expect(() => onAbort(undefined, () => {})()).not.toThrow();
  });

  test('has one listener for any number who wait, so that Node suspects no leak, and none once all are gone', () => {
    const { signal } = new AbortController();

    const stops = Array.from({ length: 100 }, () => onAbort(signal, () => {}));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const stop of stops) stop();

    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('is listened to again after everyone was gone', () => {
    const controller = new AbortController();
    let told = 0;
    onAbort(controller.signal, () => {})();

    onAbort(controller.signal, () => (told += 1));
    controller.abort();

    expect(told).toBe(1);
  });

  test('tells one function twice that waits twice, and once if one of them stopped', () => {
    const controller = new AbortController();
    let told = 0;
    const listener = () => (told += 1);
    const stop = onAbort(controller.signal, listener);
    onAbort(controller.signal, listener);
    onAbort(controller.signal, listener);

    stop();
    stop();
    controller.abort();

    expect(told).toBe(2);
  });

  test('does not tell one whom another calls off while all are told', () => {
    const controller = new AbortController();
    let told = 0;
    const stops: (() => void)[] = [];
    onAbort(controller.signal, () => stops.forEach((stop) => stop()));
    stops.push(onAbort(controller.signal, () => (told += 1)));

    controller.abort();

    expect(told).toBe(0);
  });
});

describe('a wait for a promise', () => {
  test('lasts no longer than the signal says', async () => {
    const controller = new AbortController();
    const never = new Promise<never>(() => {});
    const waiting = abortable(never, controller.signal);

    controller.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
  });

  test('has what the promise has, and leaves no listener behind', async () => {
    const { signal } = new AbortController();

    expect(await abortable(Promise.resolve(1), signal)).toBe(1);
    expect(await abortable(Promise.resolve(2), undefined)).toBe(2);
    await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');

    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

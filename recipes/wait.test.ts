import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { sleep } from '../core/base/clock.js';
import { ManualClock } from '../core/testing/manual-clock.js';
import { track } from './testing/world.js';
import { bounded, linkSignals, onAbort } from './wait.js';

const forever = (signal: AbortSignal) => new Promise<never>((_, reject) => onAbort(signal, reject));

test('work that ends in time is answered, and its timer called off', async () => {
  const clock = new ManualClock();
  const answer = bounded(clock, 'a lock', { timeout: '5s' }, async (signal) => {
    await sleep(clock, 4_999, signal);
    return 'done';
  });
  await clock.advance(4_999);
  expect(await answer).toBe('done');
  expect(clock.timerCount).toBe(0);
});

test('a wait ends at its timeout, not before, naming what was waited for and how long', async () => {
  const clock = new ManualClock();
  const waiting = track(bounded(clock, 'mutex orders', { timeout: 5_000 }, forever));
  await clock.advance(4_999);
  expect(waiting.done).toBe(false);
  await clock.advance(1);
  expect(waiting.error).toMatchObject({
    code: 'TIMEOUT',
    waitedMs: 5_000,
    message: 'mutex orders took longer than 5000 ms',
  });
});

test('a wait that is called off rejects with the reason that was given, however the work words it', async () => {
  const controller = new AbortController();
  const reason = new Error('shutting down');
  const waiting = bounded(new ManualClock(), 'a lock', { signal: controller.signal }, async (signal) => {
    await forever(signal).catch(() => undefined);
    throw new Error('a call was cancelled');
  });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test('a signal that has aborted before keeps the work from beginning', async () => {
  let begun = false;
  const signal = AbortSignal.abort(new Error('too late'));
  const waiting = bounded(new ManualClock(), 'a lock', { signal }, async () => {
    begun = true;
  });
  await expect(waiting).rejects.toThrow('too late');
  expect(begun).toBe(false);
});

test('what the work gained at the last moment is not dropped', async () => {
  const controller = new AbortController();
  const waiting = bounded(new ManualClock(), 'a lock', { signal: controller.signal }, async () => {
    controller.abort(new Error('too late'));
    return 'the lock';
  });
  expect(await waiting).toBe('the lock');
});

test("the work's own error is thrown on as it is", async () => {
  const error = new Error('its own');
  await expect(bounded(new ManualClock(), 'a lock', { timeout: '1s' }, () => Promise.reject(error))).rejects.toBe(
    error,
  );
});

test.each([-1, Number.NaN])('a timeout of %p is refused', async (timeout) => {
  await expect(bounded(new ManualClock(), 'a lock', { timeout }, forever)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'timeout',
  });
});

test('linked signals abort with the first, and let go of all of them', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const link = linkSignals(one.signal, undefined, other.signal);
  other.abort('other');
  one.abort('one');
  expect(link.signal.reason).toBe('other');

  const unlinked = linkSignals(new AbortController().signal, one.signal);
  expect(unlinked.signal.reason).toBe('one');
  const source = new AbortController();
  const late = linkSignals(source.signal);
  late.unlink();
  source.abort();
  expect(late.signal.aborted).toBe(false);
});

test('many waits may follow one signal without Node suspecting a leak', () => {
  const source = new AbortController();
  const links = Array.from({ length: 20 }, () => linkSignals(source.signal));
  expect(getEventListeners(source.signal, 'abort')).toHaveLength(1);
  for (const link of links) link.unlink();
  expect(getEventListeners(source.signal, 'abort')).toEqual([]);
});

test('a link follows further signals, also one that has aborted', () => {
  const link = linkSignals();
  link.follow(undefined);
  expect(link.signal.aborted).toBe(false);
  link.follow(AbortSignal.abort('over'));
  expect(link.signal.reason).toBe('over');
});

import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { firstOf, NobodyError } from './first-of.js';

/** Candidates that the test lets succeed or fail by hand. */
function candidates(names: readonly string[]) {
  const clock = new ManualClock();
  const left = [...names];
  const begun: string[] = [];
  const calledOff: string[] = [];
  const overtaken: string[] = [];
  const discarded: string[] = [];
  const outcomes = new Map<string, { succeed: () => void; fail: (why: string) => void }>();
  const stop = new AbortController();
  const first = firstOf<string, string>(
    {
      next: () => left.shift(),
      isOver: () => left.length === 0,
      attempt: (name, signal) => {
        begun.push(name);
        signal.addEventListener('abort', () => calledOff.push(name));
        return new Promise((resolve, reject) => {
          outcomes.set(name, { succeed: () => resolve(name), fail: (why) => reject(new Error(why)) });
        });
      },
      overtaken: (name) => overtaken.push(name),
      discard: (name) => discarded.push(name),
    },
    { clock, staggerMs: 250, signal: stop.signal },
  );
  first.catch(() => {});
  return { first, clock, begun, calledOff, overtaken, discarded, stop, of: (name: string) => outcomes.get(name)! };
}

describe('of several, one after another,', () => {
  test('only the first is tried if it succeeds in time', async () => {
    const { first, clock, begun, of } = candidates(['a', 'b']);
    await clock.advance(249);

    of('a').succeed();

    expect(await first).toBe('a');
    expect(begun).toEqual(['a']);
    expect(clock.timerCount).toBe(0);
  });

  test('the next is tried beside one that takes longer, and whoever is first wins', async () => {
    const { first, clock, begun, overtaken, calledOff, of } = candidates(['a', 'b', 'c', 'd']);
    await clock.advance(500);
    expect(begun).toEqual(['a', 'b', 'c']);

    of('b').succeed();

    expect(await first).toBe('b');
    // The one that began later has done nothing wrong.
    expect(overtaken).toEqual(['a']);
    expect(calledOff).toContain('c');
    await clock.advance(1_000);
    expect(begun).toHaveLength(3);
  });

  test('the next is tried at once if one fails', async () => {
    const { first, clock, begun, of } = candidates(['a', 'b']);
    of('a').fail('no');
    await clock.advance(0);

    of('b').succeed();

    expect(await first).toBe('b');
    expect(begun).toEqual(['a', 'b']);
  });

  test('the last failure is thrown once all have failed', async () => {
    const { first, clock, of } = candidates(['a', 'b']);
    await clock.advance(250);
    of('b').fail('second');
    await clock.advance(0);
    of('a').fail('first');

    await expect(first).rejects.toThrow('first');
    expect(clock.timerCount).toBe(0);
  });

  test('what a slower one got is discarded', async () => {
    const { first, clock, discarded, of } = candidates(['a', 'b']);
    await clock.advance(250);
    of('b').succeed();
    await first;

    of('a').succeed();
    await clock.advance(0);

    expect(discarded).toEqual(['a']);
  });

  test('all are called off with the signal', async () => {
    const { first, clock, calledOff, stop } = candidates(['a', 'b']);
    await clock.advance(250);

    stop.abort(new Error('enough'));

    await expect(first).rejects.toThrow('enough');
    expect(calledOff).toEqual(['a', 'b']);
    expect(clock.timerCount).toBe(0);
  });

  test('there may be none', async () => {
    await expect(candidates([]).first).rejects.toBeInstanceOf(NobodyError);
  });
});

/* eslint-disable no-restricted-syntax -- these are the very calls that the tripwire is there for */
import { describe, expect, test } from '@jest/globals';
import { Tripwire } from './tripwire.js';

function armed<T>(body: (bypasses: string[]) => T, allowed: ConstructorParameters<typeof Tripwire>[0] = []): T {
  const bypasses: string[] = [];
  const tripwire = new Tripwire(
    allowed,
    () => 86_400_000,
    (what) => bypasses.push(what),
  );
  tripwire.arm();
  try {
    return body(bypasses);
  } finally {
    tripwire.disarm();
  }
}

describe('the tripwire', () => {
  test('stops whoever passes by the clock and the chance of the world', () => {
    const uses: readonly (() => unknown)[] = [
      () => setTimeout(() => undefined, 0),
      () => setInterval(() => undefined, 0),
      () => setImmediate(() => undefined),
      () => Math.random(),
      () => performance.now(),
      () => Date.now(),
    ];

    const { messages, bypasses } = armed((told) => ({
      messages: uses.map((use) => {
        try {
          use();
          return 'nothing';
        } catch (error) {
          return (error as Error).message;
        }
      }),
      bypasses: told,
    }));

    expect(messages.every((message) => message.includes('bypasses the simulated world'))).toBe(true);
    expect(bypasses).toEqual([
      'setTimeout',
      'setInterval',
      'setImmediate',
      'Math.random',
      'performance.now',
      'Date.now',
    ]);
  });

  test('lets a date show the wall time of the world, and other dates be', () => {
    const [now, given] = armed(() => [new Date(), new Date(5)] as const);

    expect(now.toISOString()).toBe('1970-01-02T00:00:00.000Z');
    expect(given.getTime()).toBe(5);
    expect(now instanceof Date).toBe(true);
  });

  test('leaves out what is allowed, and takes everything away again', () => {
    expect(armed(() => Math.random(), ['Math.random'])).toBeLessThan(1);

    armed(() => undefined);

    expect(Math.random()).toBeLessThan(1);
    expect(Date.now()).toBeGreaterThan(1_600_000_000_000);
    expect(performance.now()).toBeGreaterThan(0);
    clearImmediate(setImmediate(() => undefined));
  });
});

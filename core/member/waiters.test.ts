import { describe, expect, test } from '@jest/globals';
import { ClosedError, LeaseNotFoundError } from '../base/errors.js';
import type { Applied, CommandResult, LogEntry } from '../machine/types.js';
import { Waiters } from './waiters.js';

const DATA = Uint8Array.of(1);

function entry(index: number, term = 1): LogEntry {
  return { index, term, data: DATA };
}

function done(index: number): Applied {
  return { index, result: { type: 'put', revision: index } };
}

/** Waits for the entry at `index`, and writes down what it is told. */
function wait(waiters: Waiters, told: string[], index: number, term = 1, sweep = 0): void {
  waiters.add({
    index,
    term,
    sweep,
    resolve: (result: CommandResult) => told.push(`${index}: revision ${result.revision}`),
    reject: (error: Error) => told.push(`${index}: ${(error as { code?: string }).code}`),
  });
}

describe('Waiters', () => {
  test('answers in the order of the log, each with the result of its own entry', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    for (const index of [3, 4, 6]) wait(waiters, told, index);

    waiters.settle([entry(2), entry(3), entry(4)], [undefined, done(3), done(4)]);
    expect(told).toEqual(['3: revision 3', '4: revision 4']);
    expect(waiters.count).toBe(1);

    waiters.settle([entry(5), entry(6)], [done(5), done(6)]);
    expect(told.at(-1)).toBe('6: revision 6');
    expect(waiters.count).toBe(0);
  });

  test('a command that failed when it was applied rejects', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    wait(waiters, told, 1);

    waiters.settle([entry(1)], [{ index: 1, error: new LeaseNotFoundError(7n) }]);

    expect(told).toEqual(['1: LEASE_NOT_FOUND']);
  });

  test('a proposal that another leader replaced is known not to be carried out', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    wait(waiters, told, 1, 1);

    waiters.settle([entry(1, 2)], [done(1)]);

    expect(told).toEqual(['1: UNAVAILABLE']);
  });

  test('an entry of a later term shows that all behind it of earlier terms were replaced, and none before it', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    for (const index of [4, 5, 6, 9]) wait(waiters, told, index, 1);
    wait(waiters, told, 8, 2);

    waiters.settle([entry(4, 1), entry(5, 2)], [done(4), undefined]);

    expect(told).toEqual(['4: revision 4', '5: UNAVAILABLE', '6: UNAVAILABLE', '9: UNAVAILABLE']);
    waiters.settle([entry(6, 2), entry(7, 2), entry(8, 2)], [undefined, undefined, done(8)]);
    expect(told.at(-1)).toBe('8: revision 8');
  });

  test('one index may be waited for in two terms: a new leader gave it again before the old one was decided', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    for (const index of [5, 6]) wait(waiters, told, index, 1);
    for (const index of [5, 6]) wait(waiters, told, index, 2);

    // The old entries win after all, under a third leader.
    waiters.settle([entry(5, 1), entry(6, 1)], [done(5), done(6)]);

    expect(told).toEqual(['5: revision 5', '5: UNAVAILABLE', '6: revision 6', '6: UNAVAILABLE']);
  });

  test('a snapshot leaves unknown what became of the entries that it holds', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    wait(waiters, told, 3, 1);
    wait(waiters, told, 9, 1);
    wait(waiters, told, 10, 2);

    waiters.skipTo({ index: 8, term: 2 });

    expect(told).toEqual(['3: OUTCOME_UNKNOWN', '9: UNAVAILABLE']);
    waiters.settle([entry(9, 2), entry(10, 2)], [undefined, done(10)]);
    expect(told.at(-1)).toBe('10: revision 10');
  });

  test('those who have waited long enough are told that the outcome is unknown, and the others wait on', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    wait(waiters, told, 1, 1, 3);
    wait(waiters, told, 2, 1, 4);

    waiters.expire(3);

    expect(told).toEqual(['1: OUTCOME_UNKNOWN']);
    waiters.settle([entry(1), entry(2)], [done(1), done(2)]);
    expect(told.at(-1)).toBe('2: revision 2');
  });

  test('when all are rejected, each is told what is known of its own', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    for (const index of [1, 2, 3]) wait(waiters, told, index);

    waiters.rejectAll(({ index }) => (index <= 2 ? new LeaseNotFoundError(1n) : new ClosedError()));

    expect(told).toEqual(['1: LEASE_NOT_FOUND', '2: LEASE_NOT_FOUND', '3: CLOSED']);
    expect(waiters.count).toBe(0);
  });

  test('under steady load, those who were answered do not stay in memory', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    for (let index = 1; index <= 10_000; index += 1) {
      wait(waiters, told, index);
      // One always stays behind.
      if (index > 1) waiters.settle([entry(index - 1)], [done(index - 1)]);
    }

    expect(waiters.count).toBe(1);
    expect(waiters.heldCount).toBeLessThan(10);
    expect(told).toHaveLength(9_999);
  });

  test('emptied resolves once the last one is answered', async () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    wait(waiters, told, 1);
    let emptied = false;
    const waiting = waiters.emptied().then(() => (emptied = true));
    await Promise.resolve();
    expect(emptied).toBe(false);

    waiters.settle([entry(1)], [done(1)]);

    await waiting;
  });

  test('an entry that is left out is a broken invariant', () => {
    const [waiters, told] = [new Waiters(), [] as string[]];
    wait(waiters, told, 1);

    expect(() => waiters.settle([entry(2)], [done(2)])).toThrow(/none is left out/);
  });
});

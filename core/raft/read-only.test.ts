import { describe, expect, test } from '@jest/globals';
import { seededPrng } from '../base/prng.js';
import { ForwardedReads } from './forwarded-reads.js';
import { READS_WAITING_MAX, ReadOnly } from './read-only.js';

const REFUSED = expect.objectContaining({ code: 'TOO_MANY_REQUESTS' });

describe('the reads of a leader', () => {
  test('that wait when a round begins share its index, in their order', () => {
    const reads = new ReadOnly();
    for (const context of [3, 1, 2]) reads.add(context);
    reads.beginRound(9);
    expect(reads.endRound().local).toEqual([
      { context: 3, index: 9 },
      { context: 1, index: 9 },
      { context: 2, index: 9 },
    ]);
  });

  test('that come while a round is under way wait for the next one', () => {
    const reads = new ReadOnly();
    reads.add(1);
    reads.beginRound(9);
    reads.add(2);
    expect(reads.hasWaiting).toBe(false);
    expect(reads.endRound().local).toEqual([{ context: 1, index: 9 }]);
    expect(reads.hasWaiting).toBe(true);
    reads.beginRound(12);
    expect(reads.endRound().local).toEqual([{ context: 2, index: 12 }]);
    expect(reads.hasWaiting).toBe(false);
  });

  test('have rounds whose ids never come again', () => {
    const reads = new ReadOnly();
    const ids = [1, 2, 3].map((context) => {
      reads.add(context);
      reads.beginRound(1);
      const { roundId } = reads;
      reads.endRound();
      return roundId;
    });
    expect([ids, reads.roundId]).toEqual([[1, 2, 3], 0]);
  });

  test('of another member are one question each: a later one takes the place of an earlier', () => {
    const reads = new ReadOnly();
    reads.addRemote({ from: 2n, context: 7 });
    reads.addRemote({ from: 3n, context: 7 });
    reads.addRemote({ from: 2n, context: 8 });
    reads.beginRound(9);
    expect(reads.endRound().remote).toEqual([
      { from: 2n, context: 8 },
      { from: 3n, context: 7 },
    ]);
  });

  test('wait up to the limit, and not one more', () => {
    const reads = new ReadOnly();
    for (let context = 0; context < READS_WAITING_MAX - 1; context += 1) reads.add(context);
    reads.beginRound(1);
    reads.add(READS_WAITING_MAX);
    expect(() => reads.add(0)).toThrow(REFUSED);
    reads.endRound();
    reads.add(0);
  });
});

describe('the reads of a follower', () => {
  test('that gather share one question, and the next gather meanwhile', () => {
    const reads = new ForwardedReads(seededPrng(1));
    reads.add(1);
    reads.add(2);
    const id = reads.ask();
    reads.add(3);
    expect(reads.hasWaiting).toBe(false);
    expect(reads.answered(id, 5)).toEqual([
      { context: 1, index: 5 },
      { context: 2, index: 5 },
    ]);
    expect(reads.hasWaiting).toBe(true);
    expect(reads.ask()).toBe(id + 1);
  });

  test('take the answer to their own question only, and once', () => {
    const reads = new ForwardedReads(seededPrng(1));
    reads.add(1);
    const id = reads.ask();
    expect(reads.answered(id + 1, 5)).toEqual([]);
    expect(reads.answered(id, 5).length).toBe(1);
    expect(reads.answered(id, 6)).toEqual([]);
  });

  test('are asked for again after a while without an answer', () => {
    const reads = new ForwardedReads(seededPrng(1));
    expect(reads.tick(2)).toBeUndefined();
    reads.add(1);
    const id = reads.ask();
    expect([reads.tick(2), reads.tick(2), reads.tick(2), reads.tick(2)]).toEqual([undefined, id, undefined, id]);
  });

  test('have ids that begin elsewhere after a restart', () => {
    const firstIds = [1, 2, 3].map((seed) => {
      const reads = new ForwardedReads(seededPrng(seed));
      reads.add(1);
      return reads.ask();
    });
    expect(new Set(firstIds).size).toBe(3);
  });

  test('that were dropped get no answer', () => {
    const reads = new ForwardedReads(seededPrng(1));
    reads.add(1);
    const id = reads.ask();
    reads.add(2);
    reads.drop();
    expect([reads.answered(id, 5), reads.hasWaiting]).toEqual([[], false]);
  });

  test('wait up to the limit, and not one more', () => {
    const reads = new ForwardedReads(seededPrng(1));
    for (let context = 0; context < READS_WAITING_MAX; context += 1) reads.add(context);
    expect(() => reads.add(0)).toThrow(REFUSED);
    reads.drop();
    reads.add(0);
  });
});

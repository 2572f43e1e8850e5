import { describe, expect, test } from '@jest/globals';
import { assert } from '../base/assert.js';
import { ClosedError, FutureRevisionError, NoLeaderError } from '../base/errors.js';
import { Reads } from './reads.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Reads over a raft that only writes down what it is asked. */
function setUp({ readsMax = 100 } = {}) {
  const asked: number[] = [];
  return { asked, reads: new Reads((context) => asked.push(context), readsMax) };
}

describe('Reads', () => {
  test('all reads that begin in one turn share one round', async () => {
    const { reads, asked } = setUp();
    const answers = [1, 2, 3].map((n) => reads.linearizable(() => n));
    await turn();

    expect(asked).toEqual([1]);
    reads.release([{ context: 1, index: 5 }], 5);
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
  });

  test('a read that begins while a round is under way does not ride on it, for it may be older', async () => {
    const { reads, asked } = setUp();
    const first = reads.linearizable(() => 'first');
    await turn();
    let answered = false;
    const second = reads.linearizable(() => (answered = true));
    reads.release([{ context: 1, index: 5 }], 5);
    await first;
    await turn();

    expect(answered).toBe(false);
    expect(asked).toEqual([1, 2]);
    reads.release([{ context: 2, index: 5 }], 5);
    await second;
  });

  test('a confirmed read waits until what it must see is applied', async () => {
    const { reads } = setUp();
    let readAt = 0;
    let applied = 4;
    const answer = reads.linearizable(() => (readAt = applied));
    await turn();

    reads.release([{ context: 1, index: 5 }], applied);
    await turn();
    expect(readAt).toBe(0);

    applied = 5;
    reads.release([], applied);
    expect(await answer).toBe(5);
  });

  test('what a read throws is its answer, and the others are answered all the same', async () => {
    const { reads } = setUp();
    const failing = reads.linearizable(() => {
      throw new FutureRevisionError(9, 5);
    });
    const other = reads.linearizable(() => 'fine');
    await turn();
    reads.release([{ context: 1, index: 1 }], 1);

    await expect(failing).rejects.toThrow(FutureRevisionError);
    expect(await other).toBe('fine');
  });

  test('a broken invariant in a read reaches the reader and whoever released it', async () => {
    const { reads } = setUp();
    const failing = reads.linearizable(() => assert(false, 'all is well'));
    await turn();

    expect(() => reads.release([{ context: 1, index: 1 }], 1)).toThrow(/all is well/);
    await expect(failing).rejects.toThrow(/all is well/);
  });

  test('where there is no leader, the reads of the round are told so', async () => {
    const reads = new Reads(() => {
      throw new NoLeaderError();
    }, 100);

    await expect(reads.linearizable(() => 1)).rejects.toThrow(NoLeaderError);
    await reads.emptied();
  });

  test('as many as the limit may wait, and one more is refused', async () => {
    const { reads } = setUp({ readsMax: 2 });
    const answers = [reads.linearizable(() => 1), reads.linearizable(() => 2)];

    await expect(reads.linearizable(() => 3)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });

    await turn();
    reads.release([{ context: 1, index: 1 }], 1);
    await Promise.all(answers);
    const again = reads.linearizable(() => 4);
    await turn();
    reads.release([{ context: 2, index: 1 }], 1);
    expect(await again).toBe(4);
  });

  test('rejecting all reaches those who gather and those whose round is under way', async () => {
    const { reads } = setUp();
    const underWay = reads.linearizable(() => 1);
    await turn();
    const gathering = reads.linearizable(() => 2);

    reads.rejectAll(new ClosedError());

    await expect(underWay).rejects.toThrow(ClosedError);
    await expect(gathering).rejects.toThrow(ClosedError);
    await reads.emptied();
  });
});

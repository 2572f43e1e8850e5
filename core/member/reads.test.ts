import { describe, expect, test } from '@jest/globals';
import { assert } from '../base/assert.js';
import { ClosedError, FutureRevisionError, NoLeaderError } from '../base/errors.js';
import { Reads } from './reads.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Reads over a raft that only writes down what it is asked, and a state that has applied what the test says. */
function setUp({ readsMax = 100, knownIndex = undefined as number | undefined } = {}) {
  const asked: number[] = [];
  const broken: Error[] = [];
  const state = { appliedIndex: 5 };
  const reads = new Reads({
    askIndex(context) {
      asked.push(context);
      return knownIndex;
    },
    appliedIndex: () => state.appliedIndex,
    onBroken: (error) => broken.push(error),
    readsMax,
  });
  return { asked, broken, state, reads };
}

describe('Reads', () => {
  test('all reads that begin in one turn share one round', async () => {
    const { reads, asked } = setUp();
    const answers = [1, 2, 3].map((n) => reads.linearizable(() => n));
    await turn();

    expect(asked).toEqual([1]);
    reads.release([{ context: 1, index: 5 }]);
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
  });

  test('a read that begins while a round is under way does not ride on it, for it may be older', async () => {
    const { reads, asked } = setUp();
    const first = reads.linearizable(() => 'first');
    await turn();
    let answered = false;
    const second = reads.linearizable(() => (answered = true));
    reads.release([{ context: 1, index: 5 }]);
    await first;
    await turn();

    expect(answered).toBe(false);
    expect(asked).toEqual([1, 2]);
    reads.release([{ context: 2, index: 5 }]);
    await second;
  });

  test('a confirmed read waits until what it must see is applied', async () => {
    const { reads, state } = setUp();
    state.appliedIndex = 4;
    let readAt = 0;
    const answer = reads.linearizable(() => (readAt = state.appliedIndex));
    await turn();

    reads.release([{ context: 1, index: 5 }]);
    await turn();
    expect(readAt).toBe(0);

    state.appliedIndex = 5;
    reads.release([]);
    expect(await answer).toBe(5);
  });

  test('where the index is known at once, a read waits for the end of the turn and for nothing else', async () => {
    const { reads } = setUp({ knownIndex: 5 });

    expect(await reads.linearizable(() => 'read')).toBe('read');
  });

  test('where the index is known at once, but not yet applied, a read waits until it is', async () => {
    const { reads, state } = setUp({ knownIndex: 6 });
    const answer = reads.linearizable(() => state.appliedIndex);
    await turn();

    state.appliedIndex = 6;
    reads.release([]);

    expect(await answer).toBe(6);
  });

  test('what a read throws is its answer, and the others are answered all the same', async () => {
    const { reads } = setUp();
    const failing = reads.linearizable(() => {
      throw new FutureRevisionError(9, 5);
    });
    const other = reads.linearizable(() => 'fine');
    await turn();
    reads.release([{ context: 1, index: 1 }]);

    await expect(failing).rejects.toThrow(FutureRevisionError);
    expect(await other).toBe('fine');
  });

  test('a broken invariant in a read reaches the reader and the member', async () => {
    const { reads, broken } = setUp({ knownIndex: 5 });

    await expect(reads.linearizable(() => assert(false, 'all is well'))).rejects.toThrow(/all is well/);
    expect(broken).toHaveLength(1);
  });

  test('where there is no leader, the reads of the round are told so', async () => {
    const reads = new Reads({
      askIndex() {
        throw new NoLeaderError();
      },
      appliedIndex: () => 5,
      onBroken: () => {},
      readsMax: 100,
    });

    await expect(reads.linearizable(() => 1)).rejects.toThrow(NoLeaderError);
    await reads.emptied();
  });

  test('as many as the limit may wait, and one more is refused', async () => {
    const { reads } = setUp({ readsMax: 2 });
    const answers = [reads.linearizable(() => 1), reads.linearizable(() => 2)];

    await expect(reads.linearizable(() => 3)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });

    await turn();
    reads.release([{ context: 1, index: 1 }]);
    await Promise.all(answers);
    const again = reads.linearizable(() => 4);
    await turn();
    reads.release([{ context: 2, index: 1 }]);
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

import { describe, expect, test } from '@jest/globals';
import { assert } from '../base/assert.js';
import { ClosedError, FutureRevisionError, NoLeaderError } from '../base/errors.js';
import { Reads } from './reads.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Reads over a raft that only writes down what it is asked, and a state that has applied what the test says. */
function setUp({ readsMax = 100, isLed = true } = {}) {
  const asked: number[] = [];
  const broken: Error[] = [];
  const state = { appliedIndex: 5, isLed };
  const sweeps = { count: 0, before: (ms: number) => sweeps.count - ms / 500 };
  const reads: Reads = new Reads({
    askIndex(context) {
      if (!state.isLed) throw new NoLeaderError();
      asked.push(context);
    },
    appliedIndex: () => state.appliedIndex,
    schedule: () => void setImmediate(() => reads.begin()),
    onBroken: (error) => broken.push(error),
    readsMax,
    firstContext: 1,
    sweeps,
    timeoutMs: 7_000,
  });
  return { asked, broken, state, reads, sweeps };
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

  test('only so many rounds are under way; later reads share the next one', async () => {
    const { reads, asked } = setUp();
    const answers: Promise<number>[] = [];
    for (let round = 1; round <= 7; round += 1) {
      answers.push(reads.linearizable(() => round));
      await turn();
    }
    expect(asked).toEqual([1, 2, 3, 4]);

    reads.release([{ context: 1, index: 5 }]);
    await turn();
    expect(asked).toEqual([1, 2, 3, 4, 5]);

    reads.release([2, 3, 4, 5].map((context) => ({ context, index: 5 })));
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('a round that is lost is asked again, under another context, and any of its answers will do', async () => {
    const { reads, asked } = setUp();
    const answer = reads.linearizable(() => 'read');
    await turn();
    reads.askAgain();
    expect(asked).toEqual([1, 2]);

    reads.release([{ context: 1, index: 5 }]);

    expect(await answer).toBe('read');
    reads.release([{ context: 2, index: 5 }]);
  });

  test('an answer to a context that was never asked answers nobody', async () => {
    const { reads, asked } = setUp();
    let isAnswered = false;
    const answer = reads.linearizable(() => (isAnswered = true));
    await turn();

    reads.release([{ context: 99, index: 5 }]);
    await turn();
    expect(isAnswered).toBe(false);

    reads.release([{ context: asked[0] as number, index: 5 }]);
    await answer;
  });

  test('a read whose time is over is refused, and one that began later waits on', async () => {
    const { reads, sweeps } = setUp();
    const early = reads.linearizable(() => 'early');
    await turn();
    sweeps.count = 1;
    const late = reads.linearizable(() => 'late');
    await turn();

    sweeps.count = 14;
    reads.expire();

    await expect(early).rejects.toMatchObject({ code: 'TIMEOUT', retry: 'safe' });
    reads.release([{ context: 2, index: 5 }]);
    expect(await late).toBe('late');
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
    const { reads, broken } = setUp();
    const answer = reads.linearizable(() => assert(false, 'all is well'));
    await turn();
    reads.release([{ context: 1, index: 5 }]);

    await expect(answer).rejects.toThrow(/all is well/);
    expect(broken).toHaveLength(1);
  });

  test('where nobody leads, reads wait for whoever does', async () => {
    const { reads, asked, state } = setUp({ isLed: false });
    const answer = reads.linearizable(() => 'read');
    await turn();
    expect(asked).toEqual([]);

    state.isLed = true;
    reads.askAgain();
    reads.release([{ context: asked[0] as number, index: 5 }]);

    expect(await answer).toBe('read');
  });

  test('when nobody has led for too long, all that wait for their confirmation are told so', async () => {
    const { reads, asked, state } = setUp();
    state.appliedIndex = 4;
    const confirmed = reads.linearizable(() => 'confirmed');
    await turn();
    reads.release([{ context: asked[0] as number, index: 5 }]);
    const asking = reads.linearizable(() => 1);
    await turn();
    const gathering = reads.linearizable(() => 2);

    reads.expire(() => new NoLeaderError());

    await expect(asking).rejects.toThrow(NoLeaderError);
    await expect(gathering).rejects.toThrow(NoLeaderError);
    state.appliedIndex = 5;
    reads.release([]);
    expect(await confirmed).toBe('confirmed');
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

import { describe, expect, test } from '@jest/globals';
import type { Backend } from '../backend/backend.js';
import { LogPurger } from './log-purger.js';

/** A purger whose calls are written down in order; the backend's flush waits to be let go. */
function setUp({ logKeptEntries = 3, logKeptBytes = 1_000, logHeldBytesMax = 10_000 } = {}) {
  const calls: string[] = [];
  let flushed: (() => void) | undefined;
  const backend = {
    flush() {
      calls.push('flush');
      return new Promise<void>((resolve) => (flushed = resolve));
    },
  } as Backend;
  const needs = { from: Number.POSITIVE_INFINITY, givenUpAt: [] as number[] };
  const purger = new LogPurger({
    raft: { compactTo: (index) => void calls.push(`raft ${index}`) },
    log: { compactTo: async (index) => void calls.push(`log ${index}`) },
    state: () => ({ backend }),
    catchUps: {
      mayLetGoTo: (index) => Math.min(index, needs.from),
      giveUp: (heldBytes) => void needs.givenUpAt.push(heldBytes),
    },
    settings: { logKeptEntries, logKeptBytes, logHeldBytesMax },
    onFailure: (error) => {
      throw error;
    },
  });
  let index = 0;
  const apply = (count: number, bytes = 1) =>
    purger.applied(
      Array.from({ length: count }, () => ({ index: (index += 1), term: 1, data: new Uint8Array(bytes) })),
    );
  const flush = async () => {
    flushed?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { purger, calls, needs, apply, flush };
}

describe('LogPurger', () => {
  test('a full lot is kept; the one before it is let go of, once the backend has it durably', async () => {
    const { calls, apply, flush } = setUp();
    apply(2);
    expect(calls).toEqual([]);

    apply(1);
    await flush();
    expect(calls).toEqual([]);

    apply(3);
    expect(calls).toEqual(['flush']);
    await flush();
    expect(calls).toEqual(['flush', 'raft 3', 'log 3']);
  });

  test('a lot is full by bytes too, so that large entries do not pile up', async () => {
    const { calls, apply, flush } = setUp();
    apply(1, 999);
    apply(1, 1);
    apply(1, 999);
    expect(calls).toEqual([]);
    apply(1, 1);
    await flush();

    expect(calls).toEqual(['flush', 'raft 2', 'log 2']);
  });

  test('what is applied while the backend flushes waits for the next time', async () => {
    const { calls, apply, flush } = setUp();
    apply(3);
    apply(3);
    apply(3);
    expect(calls).toEqual(['flush']);
    await flush();
    expect(calls).toEqual(['flush', 'raft 3', 'log 3']);

    apply(1);
    await flush();

    expect(calls.slice(3)).toEqual(['flush', 'raft 6', 'log 6']);
  });

  test('while it is held nothing is let go of, and afterwards as before', async () => {
    const { purger, calls, apply, flush } = setUp();
    apply(3);
    apply(3);

    const held = purger.hold();
    await flush();
    await held;
    apply(3);

    expect(calls).toEqual(['flush']);
    purger.release();
    apply(3);
    await flush();
    expect(calls.slice(1)).toEqual(['flush', 'raft 6', 'log 6']);
  });
});

describe('for followers that were sent a snapshot', () => {
  test('more is kept, in whole lots, and let go of when they have caught up, also if nothing more is applied', async () => {
    const { purger, calls, needs, apply, flush } = setUp();
    needs.from = 5;
    for (let i = 0; i < 4; i += 1) {
      apply(3);
      await flush();
    }
    expect(calls).toEqual(['flush', 'raft 3', 'log 3']);
    purger.sweep();
    expect(calls).toHaveLength(3);

    needs.from = 12;
    purger.sweep();
    await flush();

    expect(calls.slice(3)).toEqual(['flush', 'raft 9', 'log 9']);
    purger.sweep();
    expect(calls).toHaveLength(6);
  });

  test('that ends at the bound, which counts what entries take beside their data', async () => {
    // Two lots of three entries of 1 byte and 300 beside it, and the one that is kept anyway.
    const { calls, needs, apply, flush } = setUp({ logHeldBytesMax: 6 * 301 });
    needs.from = 0;
    for (let i = 0; i < 3; i += 1) apply(3);
    expect(needs.givenUpAt).toEqual([]);
    expect(calls).toEqual([]);

    apply(3);
    await flush();

    expect(needs.givenUpAt).toEqual([9 * 301]);
    expect(calls).toEqual(['flush', 'raft 9', 'log 9']);
  });
});

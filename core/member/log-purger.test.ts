import { describe, expect, test } from '@jest/globals';
import type { Backend } from '../backend/backend.js';
import type { Raft } from '../raft/raft.js';
import type { DurableLog } from './durable-log.js';
import { LogPurger } from './log-purger.js';

/** A purger whose calls are written down in order; the backend's flush waits to be let go. */
function setUp(lot = { entries: 3, bytes: 1_000 }) {
  const calls: string[] = [];
  const failures: Error[] = [];
  let flushed: (() => void) | undefined;
  const backend = {
    flush() {
      calls.push('flush');
      return new Promise<void>((resolve) => (flushed = resolve));
    },
  } as Backend;
  const raft = { compactTo: (index: number) => void calls.push(`raft ${index}`) } as Raft;
  const log = { compactTo: async (index: number) => void calls.push(`log ${index}`) } as DurableLog;
  const purger = new LogPurger({ raft, log, state: () => ({ backend }) }, lot, (error) => failures.push(error));
  let index = 0;
  const apply = (count: number, bytes = 1) =>
    purger.applied(
      Array.from({ length: count }, () => ({ index: (index += 1), term: 1, data: new Uint8Array(bytes) })),
    );
  const flush = async () => {
    flushed?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { purger, calls, failures, apply, flush };
}

describe('LogPurger', () => {
  test('a full lot is kept; the one before it is let go of, once the backend has it durably', async () => {
    const { calls, apply, flush } = setUp();
    apply(2);
    expect(calls).toEqual([]);

    apply(1);
    await flush();
    expect(calls).toEqual(['flush']);

    apply(3);
    expect(calls).toEqual(['flush', 'flush']);
    await flush();
    expect(calls).toEqual(['flush', 'flush', 'raft 3', 'log 3']);
  });

  test('a lot is full by bytes too, so that large entries do not pile up', async () => {
    const { calls, apply, flush } = setUp();
    apply(1, 999);
    expect(calls).toEqual([]);
    apply(1, 1);
    await flush();
    apply(1, 1_000);
    await flush();

    expect(calls).toEqual(['flush', 'flush', 'raft 2', 'log 2']);
  });

  test('what is applied while the backend flushes waits for the next time', async () => {
    const { calls, apply, flush } = setUp();
    apply(3);
    apply(3);
    expect(calls).toEqual(['flush']);
    await flush();

    apply(1);
    await flush();

    expect(calls).toEqual(['flush', 'flush', 'raft 3', 'log 3']);
  });

  test('while it is held nothing is let go of, and afterwards as before', async () => {
    const { purger, calls, apply, flush } = setUp();
    apply(3);
    await flush();
    apply(3);

    const held = purger.hold();
    await flush();
    await held;

    expect(calls).toEqual(['flush', 'flush']);
    purger.release();
    apply(3);
    await flush();
    expect(calls.slice(2)).toEqual(['flush', 'raft 6', 'log 6']);
  });
});

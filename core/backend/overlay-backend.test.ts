import { beforeEach, describe, expect, it } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { ManualClock } from '../testing/manual-clock.js';
import { OverlayBackend } from './overlay-backend.js';
import { ManualEngine } from './testing/manual-engine.js';

/** What one entry of 1-byte key counts, beside its value. */
const ENTRY_BYTES = 101;
const LIMIT_BYTES = 10 * ENTRY_BYTES;

let clock: ManualClock;
let engine: ManualEngine;
let backend: OverlayBackend;

beforeEach(() => {
  clock = new ManualClock();
  engine = new ManualEngine();
  backend = new OverlayBackend(engine, LIMIT_BYTES, clock);
});

function put(key: string, valueBytes = 0): void {
  backend.write((batch) => batch.put('meta', toBytes(key), new Uint8Array(valueBytes)));
}

function keys(): string {
  return [...backend.scan('meta')].map(([key]) => toText(key)).join('');
}

/** Whether a promise has settled, and how, without waiting for it. */
async function stateOf(promise: Promise<void>): Promise<string> {
  const pending = Symbol('pending');
  try {
    const first = await Promise.race([promise, Promise.resolve(pending)]);
    return first === (pending as unknown) ? 'pending' : 'resolved';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the limit of what waits', () => {
  it('is not reached one byte below it, and is at it', () => {
    for (const key of 'abcdefghi') put(key);
    put('j');
    expect(backend.overfull).toBe(true);

    const below = new OverlayBackend(new ManualEngine(), LIMIT_BYTES, clock);
    below.write((batch) => batch.put('meta', toBytes('a'), new Uint8Array(LIMIT_BYTES - ENTRY_BYTES - 1)));
    expect(below.overfull).toBe(false);
    below.write((batch) => batch.put('meta', toBytes('a'), new Uint8Array(LIMIT_BYTES - ENTRY_BYTES)));
    expect(below.overfull).toBe(true);
  });

  it('counts a value that was replaced once, and a deletion as an entry', () => {
    for (let times = 0; times < 50; times += 1) put('a', 500);
    expect(backend.overfull).toBe(false);

    for (const key of 'bcde') backend.write((batch) => batch.delete('meta', toBytes(key)));
    expect(backend.overfull).toBe(false);
    backend.write((batch) => batch.delete('meta', toBytes('f')));
    expect(backend.overfull).toBe(true);
  });

  it('counts what a transaction under way writes, until it has', async () => {
    put('a', LIMIT_BYTES);
    const drained = backend.drained();
    expect(engine.pendingSize).toBe(1);
    expect(backend.overfull).toBe(true);
    expect(await stateOf(drained)).toBe('pending');

    await engine.finish();
    expect(backend.overfull).toBe(false);
    expect(await stateOf(drained)).toBe('resolved');
  });

  it('stops no write: waiting is for whoever writes', () => {
    put('a', LIMIT_BYTES);
    put('b', LIMIT_BYTES);

    expect(keys()).toBe('ab');
  });

  it('is left only when enough was written, however many transactions that takes', async () => {
    put('a', LIMIT_BYTES);
    put('b', LIMIT_BYTES);
    const drained = backend.drained();

    await engine.finish();
    expect(await stateOf(drained)).toBe('pending');
    await engine.finish();
    expect(await stateOf(drained)).toBe('resolved');
  });
});

describe('a transaction', () => {
  it('is begun only when there is something to write', async () => {
    await backend.flush();
    await backend.drained();
    backend.write(() => {});
    await backend.flush();

    expect([engine.commitCount, engine.pendingSize]).toEqual([0, 0]);
  });

  it('takes everything that gathered while the last was under way', async () => {
    put('a');
    const first = backend.flush();
    put('b');
    put('c');
    expect(engine.pendingSize).toBe(1);
    const second = backend.flush();

    await engine.finish();
    expect([await stateOf(first), await stateOf(second)]).toEqual(['resolved', 'pending']);
    expect(engine.pendingSize).toBe(2);
    await engine.finish();
    expect(await stateOf(second)).toBe('resolved');
    expect(engine.commitCount).toBe(2);
  });

  it('that is under way is enough for a flush of what it writes, whatever is written meanwhile', async () => {
    put('a');
    void backend.flush();
    const flush = backend.flush();
    put('b');
    await engine.finish();

    expect(await stateOf(flush)).toBe('resolved');
  });

  it('is begun at once when 2,000 entries wait', () => {
    const roomy = new OverlayBackend(engine, Number.POSITIVE_INFINITY, clock);
    const fill = (from: number, to: number) =>
      roomy.write((batch) => {
        for (let key = from; key < to; key += 1) batch.put('meta', toBytes(String(key)), new Uint8Array(0));
      });

    fill(0, 1_999);
    expect(engine.pendingSize).toBe(0);
    fill(1_999, 2_000);
    expect(engine.pendingSize).toBe(2_000);
  });

  it('is begun 100 ms after the first entry came', async () => {
    put('a');
    await clock.advance(60);
    put('b');
    await clock.advance(39);
    expect(engine.pendingSize).toBe(0);
    await clock.advance(1);
    expect(engine.pendingSize).toBe(2);
  });

  it('that was asked for is not begun once more when its time comes', async () => {
    put('a');
    void backend.flush();
    await engine.finish();
    expect(clock.timerCount).toBe(0);
  });

  it('writes the last of several changes to a key', async () => {
    put('a', 1);
    backend.write((batch) => batch.delete('meta', toBytes('a')));
    put('b', 1);
    backend.write((batch) => {
      batch.delete('meta', toBytes('b'));
      batch.put('meta', toBytes('b'), toBytes('last'));
    });
    void backend.flush();
    expect(engine.pendingSize).toBe(2);
    await engine.finish();

    expect([...engine.scan('meta', {})].map(([key, value]) => toText(key) + toText(value))).toEqual(['blast']);
  });
});

describe('reads', () => {
  it('see the newest of what gathers, what is being written and what the engine has', async () => {
    for (const key of 'abcd') put(key, 1);
    void backend.flush();
    await engine.finish();
    put('b', 2);
    put('d', 2);
    backend.write((batch) => batch.delete('meta', toBytes('c')));
    void backend.flush();
    put('c', 3);
    backend.write((batch) => batch.delete('meta', toBytes('b')));
    put('e', 3);

    const expected = ['a1', 'c3', 'd2', 'e3'];
    const read = () => [...backend.scan('meta')].map(([key, value]) => `${toText(key)}${value.length}`);
    expect(read()).toEqual(expected);
    expect(['a', 'b', 'c', 'd'].map((key) => backend.get('meta', toBytes(key))?.length)).toEqual([1, undefined, 3, 2]);
    await engine.finish();
    expect(read()).toEqual(expected);
  });
});

it('a transaction that nobody waits for may fail without a rejection that nobody handles', async () => {
  const told: Error[] = [];
  backend.onFailure((error) => told.push(error));
  put('a', LIMIT_BYTES);
  await engine.fail(new Error('broken'));

  expect(told).toHaveLength(1);
});

describe('when the engine fails', () => {
  const failure = new Error('no space');

  beforeEach(async () => {
    put('a', 1);
    void backend.flush().catch(() => {});
    put('b', 1);
    await engine.fail(failure);
  });

  it('everyone who waits is told, and so is everyone who asks later', async () => {
    const told: Error[] = [];
    backend.onFailure((error) => told.push(error));

    expect(told).toEqual([failure]);
    await expect(backend.flush()).rejects.toBe(failure);
    expect(() => put('c')).toThrow(failure);
  });

  it('reads go on seeing what did not reach the engine', () => {
    expect(keys()).toBe('ab');
  });

  it('nothing more is written, and closing does not wait for it', async () => {
    expect(engine.commitCount).toBe(0);
    await backend.close();
    expect(engine.isClosed).toBe(true);
  });
});

it('a failure reaches each callback once, and rejects who waits for room', async () => {
  const told: string[] = [];
  backend.onFailure((error) => told.push(`first ${error.message}`));
  backend.onFailure((error) => told.push(`second ${error.message}`));
  put('a', LIMIT_BYTES);
  const refused = expect(backend.drained()).rejects.toThrow('broken');
  await engine.fail(new Error('broken'));

  await refused;
  expect(told).toEqual(['first broken', 'second broken']);
});

describe('closing', () => {
  it('flushes what waits, then gives up views and engine', async () => {
    put('a');
    const view = backend.view();
    const closed = backend.close();
    expect(engine.pendingSize).toBe(1);
    expect(engine.isClosed).toBe(false);
    expect(() => backend.view()).toThrow('closed');

    await engine.finish();
    await closed;
    expect([engine.isClosed, engine.openSnapshotCount]).toEqual([true, 0]);
    expect(() => view.get('meta', toBytes('a'))).toThrow('the view is closed');
  });

  it('rejects if what waits cannot be written, having given up the engine', async () => {
    put('a');
    const refused = expect(backend.close()).rejects.toThrow('broken');
    await engine.fail(new Error('broken'));

    await refused;
    expect(engine.isClosed).toBe(true);
  });
});

import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { sendAll } from './paced-stream.js';

/** A stream that is full after every message, until the test takes it. */
function narrowStream() {
  const taken: number[] = [];
  let take: () => void = () => {};
  const stream = new Writable({
    objectMode: true,
    highWaterMark: 1,
    write: (message: number, _, done) => {
      taken.push(message);
      take = done;
    },
  });
  return { stream, taken, take: () => take() };
}

/** Counts what is asked of it. */
function source(count: number) {
  const asked: number[] = [];
  const state = { isLetGo: false };
  async function* messages(): AsyncGenerator<number> {
    try {
      for (let i = 0; i < count; i += 1) {
        asked.push(i);
        yield i;
      }
    } finally {
      state.isLetGo = true;
    }
  }
  return { asked, state, messages: messages() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function start(count: number) {
  const clock = new ManualClock();
  const ending = new AbortController();
  const narrow = narrowStream();
  const from = source(count);
  const sending = sendAll(narrow.stream, from.messages, { clock, stallMs: 1_000, signal: ending.signal });
  return { clock, ending, ...narrow, ...from, sending };
}

describe('a stream that is paced', () => {
  test('is asked for the next message only when the last was taken', async () => {
    const { asked, taken, take, sending, state } = start(3);
    await turn();
    expect([asked, taken]).toEqual([[0], [0]]);

    take();
    await turn();
    expect([asked, taken]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    take();
    await turn();
    take();

    await sending;
    expect([taken, state.isLetGo]).toEqual([[0, 1, 2], true]);
  });

  test('may stay full for so long, and no longer; each message has that long', async () => {
    const { clock, take, sending, state } = start(3);
    const failing = expect(sending).rejects.toMatchObject({ code: 'TIMEOUT', waitedMs: 1_000 });
    await turn();
    await clock.advance(999);
    take();
    await turn();
    await clock.advance(999);
    expect(state.isLetGo).toBe(false);

    await clock.advance(1);

    await failing;
    expect(state.isLetGo).toBe(true);
  });

  test('that ends asks for nothing more, and lets go', async () => {
    const { asked, ending, sending, state } = start(3);
    await turn();

    ending.abort();

    await sending;
    expect([asked, state.isLetGo]).toEqual([[0], true]);
  });
});

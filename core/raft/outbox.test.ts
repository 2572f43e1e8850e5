import { expect, test } from '@jest/globals';
import { Outbox } from './outbox.js';
import type { Message } from './types.js';

const acknowledgement = (matchedIndex: number, to = 2n): Message => ({
  type: 'appendEntriesAnswer',
  from: 1n,
  to,
  term: 1,
  accepted: true,
  matchedIndex,
});

test('what is true is sent at once, in its order, and once', () => {
  const outbox = new Outbox();
  outbox.send(acknowledgement(1));
  outbox.send(acknowledgement(2));
  expect(outbox.takeNow()).toEqual([acknowledgement(1), acknowledgement(2)]);
  expect([outbox.hasMessages, outbox.takeNow()]).toEqual([false, []]);
});

test('what is not true yet waits, and is let go of when it is', () => {
  const outbox = new Outbox();
  outbox.defer({ message: acknowledgement(5, 2n), index: 5 });
  outbox.defer({ message: acknowledgement(9, 3n), index: 9 });
  outbox.release((index) => index <= 5);
  expect(outbox.takeNow()).toEqual([acknowledgement(5, 2n)]);
  expect(outbox.takeDeferred()).toEqual([acknowledgement(9, 3n)]);
  expect(outbox.takeDeferred()).toEqual([]);
});

test('of two acknowledgements to the same member the one that acknowledges more is kept', () => {
  const outbox = new Outbox();
  for (const index of [5, 9, 7]) outbox.defer({ message: acknowledgement(index), index });
  expect(outbox.takeDeferred()).toEqual([acknowledgement(9)]);
});

test('of two other messages of a kind the later one is kept', () => {
  const outbox = new Outbox();
  const answer = (readRound: number): Message => ({ type: 'heartbeatAnswer', from: 1n, to: 2n, term: 1, readRound });
  for (const round of [5, 9, 7]) outbox.defer({ message: answer(round), index: 0 });
  expect(outbox.takeDeferred()).toEqual([answer(7)]);
});

test('what was deferred is forgotten when its term ends; what was true goes out all the same', () => {
  const outbox = new Outbox();
  outbox.send(acknowledgement(1));
  outbox.defer({ message: acknowledgement(5), index: 5 });
  outbox.dropDeferred();
  expect([outbox.takeDeferred(), outbox.takeNow()]).toEqual([[], [acknowledgement(1)]]);
});

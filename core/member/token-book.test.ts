import { beforeEach, expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { TokenBook } from './token-book.js';

const LIMITS = { authTokenTtlSeconds: 10, authTokensMax: 4, authTokensPerUserMax: 2 };

let clock: ManualClock;
let book: TokenBook;

beforeEach(() => {
  clock = new ManualClock();
  book = new TokenBook(clock, LIMITS);
});

const digest = (name: string) => Buffer.from(name);
const add = (name: string, user = 'ann', index = 5) =>
  book.add({ user: { name: user, revision: 1 }, digest: digest(name), index });
const isGood = (name: string, index = 5) => book.use(digest(name), index) !== undefined;

test('a token is its user’s, at the index at which it was given and no other', () => {
  add('t');

  expect(book.use(digest('t'), 5)).toEqual({ name: 'ann', revision: 1 });
  expect(isGood('t', 6)).toBe(false);
  expect(isGood('u')).toBe(false);
});

test('a token is good for its time after it was last used, and not a moment longer', async () => {
  add('used');
  add('unused');
  await clock.advance(9_999);
  expect(isGood('used')).toBe(true);
  await clock.advance(1);

  expect(isGood('unused')).toBe(false);
  expect(isGood('used')).toBe(true);
  await clock.advance(10_000);
  expect(isGood('used')).toBe(false);
  expect(book.count).toBe(0);
});

test('of one user there are as many as there may be; those go that were used the longest ago', () => {
  add('t1');
  add('t2');
  isGood('t1');
  add('t3');

  expect(['t1', 't2', 't3'].map((name) => isGood(name))).toEqual([true, false, true]);
  expect(book.count).toBe(2);
});

test('of all users together there are as many as there may be', () => {
  for (const [at, user] of ['a', 'b', 'c', 'd', 'e'].entries()) add(`t${at}`, user);

  expect(book.count).toBe(4);
  expect(isGood('t0')).toBe(false);
  expect(isGood('t4')).toBe(true);
});

test('all are forgotten at once, also of a user', () => {
  add('t1');
  book.clear();

  expect(isGood('t1')).toBe(false);
  add('t2');
  add('t3');
  expect(book.count).toBe(2);
});

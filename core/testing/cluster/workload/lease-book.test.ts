import { expect, test } from '@jest/globals';
import { LeaseBook } from './lease-book.js';
import { Verdict } from './verdict.js';

test('a key that is gone before its time is found, one that is gone after it is right', () => {
  const verdict = new Verdict();
  const book = new LeaseBook(verdict);
  book.renewed('late', { sentMs: performance.now() - 4_001, ttlMs: 4_000 });
  book.foundGone('late', 'seen');
  book.renewed('released', { sentMs: performance.now(), ttlMs: 4_000 });
  book.released('released');
  book.foundGone('released', 'seen');
  expect(verdict.isClean).toBe(true);

  book.renewed('early', { sentMs: performance.now(), ttlMs: 4_000 });
  book.foundGone('early', 'seen');
  expect(verdict.findings[0]).toMatch(/^early ended (39\d\d|4000) ms early \(seen\)$/);
});

test('what is left alone is waited for until it is gone', () => {
  const book = new LeaseBook(new Verdict());
  book.renewed('k', { sentMs: performance.now() - 4_000, ttlMs: 4_000 });
  book.leftAlone('k');
  expect([...book.abandoned]).toEqual(['k']);
  book.foundGone('k', 'seen');
  expect(book.abandoned.size).toBe(0);
});

test('where leases are known to end early, it is counted and no violation', () => {
  const verdict = new Verdict({ toleratesEarlyLeases: true });
  const book = new LeaseBook(verdict);
  book.renewed('early', { sentMs: performance.now(), ttlMs: 4_000 });
  book.foundGone('early', 'seen');

  expect(verdict.isClean).toBe(true);
  expect(verdict.toleratedCount).toBe(1);
});

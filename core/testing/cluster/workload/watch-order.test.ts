import { expect, test } from '@jest/globals';
import { toBytes } from '../../../base/bytes.js';
import type { WatchBatch } from '../../../base/operation.js';
import { Verdict } from './verdict.js';
import { HistoryBoard, WatchOrder } from './watch-order.js';

function batch(...revisions: number[]): WatchBatch {
  const events = revisions.map((modRevision) => ({
    type: 'put' as const,
    kv: { key: toBytes('k'), value: toBytes(`${modRevision}`), createRevision: 1, modRevision, version: 1, lease: 0n },
  }));
  return { events, revision: revisions.at(-1) ?? 0 };
}

function findings(batches: readonly WatchBatch[], fromRevision = 2): readonly string[] {
  const verdict = new Verdict();
  const order = new WatchOrder('w', { fromRevision, verdict, board: new HistoryBoard(verdict) });
  for (const one of batches) order.take(one);
  return verdict.findings;
}

test('whole revisions in order are right, alone and together, with empty batches between', () => {
  expect(findings([batch(2), batch(), batch(3, 3, 4), batch(5)])).toEqual([]);
});

test.each([
  ['a gap between batches', [batch(2), batch(4)]],
  ['a gap within a batch', [batch(2, 4)]],
  ['a gap at the beginning', [batch(3)]],
  ['a repeated revision', [batch(2), batch(2)]],
  ['a revision in two parts', [batch(2, 3), batch(3, 4)]],
  ['turned order', [batch(2, 3, 2)]],
])('%s is found', (_, batches) => {
  expect(findings(batches)).not.toEqual([]);
});

test('two who saw different events in one segment are found, however each got its batches', () => {
  const verdict = new Verdict();
  const board = new HistoryBoard(verdict);
  const revisions = Array.from({ length: 1_100 }, (_, at) => at + 2);
  const one = new WatchOrder('one', { fromRevision: 2, verdict, board });
  one.take(batch(...revisions));
  const other = new WatchOrder('other', { fromRevision: 2, verdict, board });
  for (const revision of revisions) other.take(batch(revision));
  expect(verdict.isClean).toBe(true);
  expect(board.comparisonCount).toBe(1);

  const third = new WatchOrder('third', { fromRevision: 2, verdict, board });
  for (const revision of revisions) {
    const { events } = batch(revision);
    const altered = events.map((event) => ({ ...event, kv: { ...event.kv, version: revision === 700 ? 2 : 1 } }));
    third.take({ events: altered, revision });
  }
  expect(verdict.findings).toHaveLength(1);
  expect(verdict.findings[0]).toMatch(
    /^third and one saw different events in revisions 500 to 999, first at event 200 of 500/,
  );
  expect(verdict.findings[0]).toContain(
    'one: put k at 699 (created 1, version 1, lease 0): 699; put k at 700 (created 1',
  );
});

test('one who begins with a segment says nothing of the segment before', () => {
  const verdict = new Verdict();
  const board = new HistoryBoard(verdict);
  const revisions = Array.from({ length: 1_100 }, (_, at) => at + 2);
  new WatchOrder('one', { fromRevision: 2, verdict, board }).take(batch(...revisions));
  const late = new WatchOrder('late', { fromRevision: 1_000, verdict, board });
  for (const revision of revisions.slice(998)) late.take(batch(revision));
  expect(verdict.findings).toEqual([]);
  expect(board.comparisonCount).toBe(0);
});

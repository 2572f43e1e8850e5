import { expect, test } from '@jest/globals';
import { toBytes } from '../../../base/bytes.js';
import type { Event } from '../../../base/key-value.js';
import { History } from '../../checkers/history/history.js';
import { judge } from './judge.js';

const KEY = 'w/kv/one/0/5/0';

function put(revision: number, value: string, version: number): Event {
  const times = { createRevision: 2, modRevision: revision, version, lease: 0n };
  return { type: 'put', kv: { ...times, key: toBytes(KEY), value: toBytes(value) } };
}

/** Two writes that were acknowledged and are in the log, and a read between them. */
function recorded(read: { value: string; revision: number }): History {
  let nowMs = 0;
  const history = new History({ nowMs: () => (nowMs += 1) });
  history.ok(history.begin('a', { op: 'put', key: KEY, value: 'a.1' }), { revision: 2 });
  history.ok(history.begin('b', { op: 'get', key: KEY }), read);
  history.ok(history.begin('a', { op: 'put', key: KEY, value: 'a.2' }), { revision: 3 });
  for (const event of [put(2, 'a.1', 1), put(3, 'a.2', 2)]) history.heard(event);
  return history;
}

test('a history that agrees with the log is judged by replay, and by search', () => {
  expect(judge(recorded({ value: 'a.1', revision: 2 }), { firstRevision: 2 })).toMatchObject({
    replayedCount: 3,
    searchedCount: 3,
    findings: [],
  });
});

test.each([
  ['of the future', { value: 'a.2', revision: 3 }],
  ['of another revision', { value: 'a.2', revision: 2 }],
])('a read that was answered with a value %s is found', (_, read) => {
  expect(judge(recorded(read), { firstRevision: 2 }).findings).toHaveLength(1);
});

test('a write that was acknowledged and is not in the log is found', () => {
  const history = recorded({ value: 'a.1', revision: 2 });
  history.ok(history.begin('b', { op: 'put', key: KEY, value: 'b.1' }), { revision: 4 });

  expect(judge(history, { firstRevision: 2 }).findings.join()).toContain('revision 4');
});

test('a lock that was granted to two at once is found', () => {
  let nowMs = 0;
  const holds = new History({ nowMs: () => (nowMs += 1) });
  for (const [client, token] of [
    ['a', 5],
    ['b', 6],
  ] as const) {
    holds.ok(holds.begin(client, { op: 'acquire', key: 'lock', ttl: 10_000_000 }), { token });
  }

  const judgement = judge(recorded({ value: 'a.1', revision: 2 }), { firstRevision: 2, holds });
  expect(judgement.findings).toHaveLength(1);
});

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

test('what a search cannot tell with the steps it may take is a finding', () => {
  const judged = judge(recorded({ value: 'a.1', revision: 2 }), { firstRevision: 2, search: { stepsMax: 1 } });

  expect(judged).toMatchObject({ replayedCount: 3, searchedCount: 0 });
  expect(judged.findings.join()).toContain('the steps it may take were taken');
});

/** Granted to one, released in some way, and granted to another. */
function granted(release: (holds: History) => void): History {
  let nowMs = 0;
  const holds = new History({ nowMs: () => (nowMs += 1) });
  holds.ok(holds.begin('a', { op: 'acquire', key: 'lock', ttl: 10_000_000 }), { token: 5 });
  release(holds);
  holds.ok(holds.begin('b', { op: 'acquire', key: 'lock', ttl: 10_000_000 }), { token: 6 });
  holds.finish();
  return holds;
}

const released = (holds: History) => holds.begin('a', { op: 'release', key: 'lock', token: 5 });

const asked = (holds: History) => holds.begin('c', { op: 'acquire', key: 'lock', ttl: 10_000_000 });

test.each([
  ['was released', (holds: History) => holds.ok(released(holds), { result: true }), 0],
  ['may have been released', (holds: History) => holds.unknown(released(holds)), 0],
  ['is still held', () => undefined, 1],
  ['is still held, whoever asked for it beside', (holds: History) => void asked(holds), 1],
])('a lock that %s is granted to another: %#', (_, release, findings) => {
  const history = recorded({ value: 'a.1', revision: 2 });

  expect(judge(history, { firstRevision: 2, holds: granted(release) }).findings).toHaveLength(findings);
});

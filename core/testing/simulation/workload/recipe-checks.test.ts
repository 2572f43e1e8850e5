import { beforeEach, describe, expect, test } from '@jest/globals';
import { encodeCommand } from '../../../machine/codec.js';
import { put, remove } from '../../../txn.js';
import { guardedValue } from '../../cluster/workload/exclusive-line.js';
import { Chronicle } from '../invariants/chronicle.js';
import { Releases } from './config-user.js';
import { Exclusive, wrongInBelief } from './exclusive-user.js';
import { Candidacies } from './observer.js';

let chronicle: Chronicle;
let found: string[];

beforeEach(() => {
  chronicle = new Chronicle();
  found = [];
});

const report = (what: string) => found.push(what);
const commit = (command: ReturnType<typeof put> | ReturnType<typeof remove>) =>
  chronicle.commit({ data: encodeCommand(command) });
const finding = (what: string) => [expect.stringContaining(what)];

describe('a lock', () => {
  let lock: Exclusive;

  beforeEach(() => {
    lock = new Exclusive('mutex', 'contended', 2_000, { chronicle, report });
    commit(put(`${lock.linePrefix}first`, ''));
    commit(put(`${lock.linePrefix}second`, ''));
  });

  const write = (token: number) => commit(put(lock.guardedKey, guardedValue({ token, holder: 'h' }, `${token}`)));

  test('whose holders write one after the other is no finding', () => {
    write(2);
    commit(remove(`${lock.linePrefix}first`));
    write(3);
    expect(found).toEqual([]);
  });

  test('is found broken when a write of a stale holder lands', () => {
    commit(remove(`${lock.linePrefix}first`));
    write(2);
    expect(found).toEqual(finding('wrote with token 2 at revision 5 while 3 was first in line'));
  });

  test('is found broken when two are told the same token', () => {
    lock.line.granted({ token: 2, holder: 'a' });
    lock.line.granted({ token: 2, holder: 'b' });
    expect(found).toEqual(finding('both have token 2'));
  });
});

test.each([
  ['sending', 1_000, undefined],
  ['answer', 1_001, expect.stringContaining('1 ms longer than its asking allows')],
])('the first deadline of a session is counted from the %s of its grant', (_, countedFromMs, wrong) => {
  const session = { lease: 7n, ttlMs: 2_000, safeUntilMs: countedFromMs + 1_300 };

  expect(wrongInBelief(session, 1_000)).toEqual(wrong);
});

test('a leader who never stood, or proclaims what it never did, is found', () => {
  const election = new Exclusive('election', 'contended', 2_000, { chronicle, report });
  const candidacies = new Candidacies(election, chronicle);
  commit(put(`${election.linePrefix}one`, JSON.stringify({ value: 'one' })));

  expect(candidacies.wrongIn(2, 'one')).toBeUndefined();
  expect(candidacies.wrongIn(2, 'two')).toContain('is one, and not two');
  expect(candidacies.wrongIn(3, 'one')).toContain('nobody stood for term 3');
});

describe('releases', () => {
  const release = (number: number, by: string) =>
    commit(put(`conclave/cfg/settings/rel/${String(number).padStart(12, '0')}`, JSON.stringify({ document: { by } })));
  const current = (number: number) => commit(put('conclave/cfg/settings/current', String(number)));

  test('that follow each other are no finding, and are known as they were published', () => {
    const releases = new Releases(chronicle, report);
    release(1, 'a');
    current(1);
    release(2, 'b');
    current(2);

    expect(found).toEqual([]);
    expect(releases.current).toBe(2);
    expect(releases.wrongIn(2, { by: 'b' })).toBeUndefined();
    expect(releases.wrongIn(2, { by: 'a' })).toContain('is said to be by a, and is by b');
  });

  test('that step back, are left out or written over are found', () => {
    new Releases(chronicle, report);
    release(1, 'a');
    current(1);
    current(1);
    current(3);
    release(1, 'b');
    expect(found).toEqual([
      ...finding('release 1 came into force after 1'),
      ...finding('release 3 came into force after 1'),
      ...finding('release 1 was written over'),
    ]);
  });
});

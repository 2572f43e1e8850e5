import { beforeEach, describe, expect, test } from '@jest/globals';
import { encodeCommand } from '../../../machine/codec.js';
import type { Command } from '../../../machine/types.js';
import { put, remove } from '../../../txn.js';
import type { Call, PartAnswer } from '../../checkers/history/operation.js';
import { Chronicle } from '../invariants/chronicle.js';
import { Judge } from './judge.js';

let chronicle: Chronicle;
let found: string[];
let judge: Judge;

beforeEach(() => {
  chronicle = new Chronicle();
  found = [];
  judge = new Judge({ chronicle, report: (what) => found.push(what), nowMs: () => 0, isOwned: () => true });
});

function commit(command: Command): void {
  chronicle.commit({ data: encodeCommand(command) });
}

/** Asks, lets the log go on, and is answered. */
function ask(call: Call, answer: PartAnswer, ...log: readonly Command[]): void {
  const id = judge.begin('c', call);
  log.forEach(commit);
  judge.ok(id, answer);
}

function putsOne(): void {
  ask({ op: 'put', key: 'a', value: '1' }, { revision: 2 }, put('a', '1'));
}

const finding = (what: string) => [expect.stringContaining(what)];

test('true answers are no finding', () => {
  putsOne();
  ask({ op: 'get', key: 'a' }, { revision: 2, value: '1', modRevision: 2, createRevision: 2, version: 1 });
  ask({ op: 'get', key: 'a', serializable: true }, { revision: 1, value: null, modRevision: 0 });
  ask({ op: 'cas', key: 'a', expected: '1', value: '2' }, { revision: 3, result: true }, put('a', '2'));
  ask({ op: 'cas', key: 'a', expected: '1', value: '3' }, { revision: 3, result: false });
  ask({ op: 'get', key: 'a', atRevision: 2 }, { revision: 3, value: '1' });
  ask({ op: 'range', key: 'a', end: 'b' }, { revision: 3, kvs: [{ key: 'a', value: '2', modRevision: 3 }] });
  ask({ op: 'delete', key: 'a' }, { revision: 4, deleted: 1 }, remove('a'));
  ask({ op: 'delete', key: 'a' }, { revision: 4, deleted: 0 });
  expect(found).toEqual([]);
  expect(judge.judgedCount).toBe(9);
});

describe('writes', () => {
  test('one that was acknowledged and is not in the log is found', () => {
    ask({ op: 'put', key: 'a', value: '1' }, { revision: 2 });
    expect(found).toEqual(finding('the log reaches revision 1 only'));
  });

  test('one that is in the log at another revision is found', () => {
    ask({ op: 'put', key: 'a', value: '1' }, { revision: 3 }, put('a', '1'), remove('a'));
    expect(found).toEqual(finding('the log has at 3: delete a'));
  });

  test('one that is in the log twice is found', () => {
    putsOne();
    commit(put('a', '1'));
    expect(found).toEqual(finding("'1' is in the log twice, at 2 and 3"));
  });

  test('one that was refused and is in the log is found, whichever is heard first', () => {
    judge.failed(judge.begin('c', { op: 'put', key: 'a', value: '1' }));
    commit(put('a', '1'));
    const id = judge.begin('c', { op: 'put', key: 'a', value: '2' });
    commit(put('a', '2'));
    judge.failed(id);
    expect(found).toEqual([...finding("'1' was refused"), ...finding("'2' was refused")]);
  });

  test('one of which nobody knows may be in the log once', () => {
    judge.unknown(judge.begin('c', { op: 'put', key: 'a', value: '1' }));
    commit(put('a', '1'));
    expect(found).toEqual([]);
    commit(put('a', '1'));
    expect(found).toHaveLength(1);
  });

  test('a condition that is said to have held, and did not, is found', () => {
    putsOne();
    ask({ op: 'cas', key: 'a', expected: '0', value: '2' }, { revision: 3, result: true }, put('a', '2'));
    expect(found).toEqual(finding('the log has at 3: put a 2'));
  });

  test('a transaction of which one half is in the log is found', () => {
    const then = ['a', 'b'].map((key) => ({ op: 'put', key, value: `${key}1` }) as const);
    ask({ op: 'txn', compares: [], then, else: [] }, { revision: 2, result: true }, put('a', 'a1'));
    expect(found).toEqual(finding('the log has at 2: put a a1'));
  });

  test('one deletion that two are told to have made is found', () => {
    putsOne();
    ask({ op: 'delete', key: 'a' }, { revision: 3, deleted: 1 }, remove('a'));
    ask({ op: 'delete', key: 'a' }, { revision: 3, deleted: 1 });
    expect(found).toEqual(finding('c was told the same of revision 3'));
  });
});

describe('reads', () => {
  test('one that misses what was acknowledged before is found', () => {
    putsOne();
    ask({ op: 'get', key: 'a' }, { revision: 1, value: null });
    expect(found).toEqual(finding('somebody was told of revision 2'));
  });

  test('one that may be stale, and tells what never was, is found', () => {
    putsOne();
    ask({ op: 'get', key: 'a', serializable: true }, { revision: 1, value: '1' });
    expect(found).toEqual(finding('"value":"1"'));
  });

  test('a range that lacks a key is found', () => {
    putsOne();
    ask({ op: 'range', key: 'a', end: 'b' }, { revision: 2, kvs: [] });
    expect(found).toHaveLength(1);
  });
});

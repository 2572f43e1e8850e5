import { describe, expect, it } from '@jest/globals';
import { between, type Prng, seededPrng } from '../../../base/prng.js';
import type { Operation, StoreCall } from '../history/operation.js';
import { viewOf, type WholeStore, wholeStore } from '../models/store.js';
import { checkLinearizable } from '../search/search.js';
import { carryOut } from '../store/semantics.js';
import { did, lost } from '../testing/try-history.js';
import { describe as inWords } from '../verdict.js';
import { checkListAppend } from './list-append.js';

const append = (key: string, element: string): StoreCall => ({ op: 'append', key, value: `${element},` });
const get = (key: string): StoreCall => ({ op: 'get', key });

/** A transaction of appends (`x+1`) and reads (`x=1,2,`) that was answered. */
function txn(times: readonly [number, number], ...parts: readonly string[]): Operation {
  const then = parts.map((part) => {
    const [, key, sign, rest] = /^(\w)(.)(.*)$/.exec(part) as unknown as [string, string, string, string];
    return { call: sign === '+' ? append(key, rest) : get(key), answer: sign === '+' ? {} : { value: rest || null } };
  });
  const call: StoreCall = { op: 'txn', compares: [], then: then.map(({ call }) => call), else: [] };
  return did('c', times, call, { responses: then.map(({ answer }) => answer) });
}

/** Everything at the same time, so that only what was read tells an order. */
const atOnce = (...all: readonly (readonly string[])[]) => all.map((parts) => txn([0, 100], ...parts));

function judged(operations: readonly Operation[]): string {
  const verdict = checkListAppend(operations);
  return verdict.verdict === 'violation' ? verdict.what : verdict.verdict;
}

describe('checkListAppend', () => {
  it('accepts what can have come one after the other', () => {
    expect(judged(atOnce(['x+1', 'y+1'], ['x=1,', 'y=1,'], ['x=', 'y='], ['x=1,', 'x+2', 'x=1,2,']))).toBe('ok');
    expect(judged([txn([0, 1], 'x+1'), lost('u', 2, append('x', '2')), txn([3, 4], 'x=1,2,')])).toBe('ok');
    expect(judged([txn([0, 1], 'x+1'), lost('u', 2, append('x', '2')), txn([3, 4], 'x=1,')])).toBe('ok');
  });

  it.each<[what: string, operations: readonly Operation[], said: RegExp]>([
    ['that nobody appended', atOnce(['x=1,']), /nobody appended/],
    ['of a transaction that failed', [{ ...txn([0, 1], 'x+1'), outcome: 'fail' }, txn([0, 9], 'x=1,')], /failed/],
    ['twice', atOnce(['x+1'], ['x=1,1,']), /twice/],
    ['in two orders', atOnce(['x+1'], ['x+2'], ['x=1,2,'], ['x=2,1,']), /two orders/],
    ['of half a transaction', atOnce(['x+1', 'x+2'], ['x=1,']), /half/],
    ['without its own', atOnce(['x+1', 'x=']), /itself/],
  ])('finds a read %s', (_, operations, said) => {
    expect(judged(operations)).toMatch(said);
  });

  it('finds transactions that saw each other’s beginnings, and those that saw too little of each other', () => {
    const skewed = atOnce(['x=', 'y+1'], ['y=', 'x+1'], ['x=1,', 'y=1,']);
    expect(judged(skewed)).toMatch(/^each must have come before the next/);
    const torn = atOnce(['x+1', 'y+1'], ['x=1,', 'y='], ['y=1,']);
    expect(judged(torn)).toMatch(/y was read without 1/);
    const crossed = atOnce(['x+1', 'y+1'], ['y+2', 'x+2'], ['x=1,2,'], ['y=2,1,']);
    expect(checkListAppend(crossed)).toMatchObject({ verdict: 'violation', witness: crossed.slice(0, 2) });
  });

  it('finds what was lost or read late, by the time', () => {
    expect(judged([txn([0, 1], 'x+1'), txn([2, 3], 'x=')])).toMatch(/without 1/);
    expect(judged([txn([0, 2], 'x+1'), txn([2, 3], 'x=')])).toBe('ok');
    expect(judged([txn([0, 1], 'x+1'), txn([0, 1], 'x+2'), txn([2, 3], 'x=2,'), txn([4, 5], 'x=2,1,')])).not.toBe('ok');
  });

  it('never contradicts the search, and misses little of what reads show', () => {
    const found = { wrong: 0, byBoth: 0 };
    for (let seed = 1; seed <= 100; seed += 1) {
      const prng = seededPrng(seed);
      const legal = listHistory(prng);
      expect([seed, inWords(checkListAppend(legal))]).toEqual([seed, expect.stringMatching(/^ok/)]);
      const mutated = withWrongRead(legal, prng);
      const bySearch = checkLinearizable(mutated, wholeStore()).verdict;
      const byLists = checkListAppend(mutated).verdict;
      if (byLists === 'violation') expect([seed, bySearch]).toEqual([seed, 'violation']);
      if (bySearch === 'violation') found.wrong += 1;
      if (byLists === 'violation') found.byBoth += 1;
    }
    expect(found.wrong).toBeGreaterThan(35);
    expect(found.byBoth).toBeGreaterThan(0.9 * found.wrong);
  });
});

/** Transactions one after the other, pulled apart in time. */
function listHistory(prng: Prng): Operation[] {
  let state: WholeStore = wholeStore().initial;
  return Array.from({ length: 20 }, (_, at) => {
    const then = Array.from({ length: between(prng, 1, 4) }, (__, part) => {
      const key = `k${between(prng, 1, 3)}`;
      return prng.next() < 0.5 ? get(key) : append(key, `${at}-${part}`);
    });
    const call: StoreCall = { op: 'txn', compares: [], then, else: [] };
    const { responses = [] } = carryOut(call, viewOf(state), state.revision).answer;
    const moment = at * 10;
    const times = [moment - between(prng, 0, 25), moment + between(prng, 0, 25)] as const;
    const operation = did(`c${at}`, times, call, {
      responses: responses.map(({ value }) => (value === undefined ? {} : { value })),
    });
    state = wholeStore().step(state, operation) as WholeStore;
    return operation;
  });
}

/** A read answers what another read of some key was answered. */
function withWrongRead(operations: readonly Operation[], prng: Prng): Operation[] {
  const reads = operations.flatMap((operation, at) =>
    (operation.responses ?? []).flatMap(({ value }, part) => (value === undefined ? [] : [{ at, part, value }])),
  );
  const [one, other] = [0, 1].map(() => reads[between(prng, 0, reads.length - 1)]);
  return operations.map((operation, at) => {
    if (at !== one?.at || !other) return operation;
    const responses = (operation.responses ?? []).map((answer, part) =>
      part === one.part ? { value: other.value } : answer,
    );
    return { ...operation, responses };
  });
}

import { describe, expect, it } from '@jest/globals';
import { seededPrng } from '../../../base/prng.js';
import type { Call, LogEvent, Operation } from '../history/operation.js';
import { queue } from '../models/queue.js';
import { register } from '../models/register.js';
import { legalHistory } from '../testing/generate.js';
import { did, lost } from '../testing/try-history.js';
import { checkLinearizable } from './search.js';
import { settleByLog } from './settle.js';

const put = (value: string, key = 'k'): Call => ({ op: 'put', key, value });
const get = (key = 'k'): Call => ({ op: 'get', key });

/** Appends at once, of which nobody can say in what order they came; and a read that fits none. */
function hard(key: string, count: number): Operation[] {
  const appends = Array.from({ length: count }, (_, at) =>
    did(`${key}${at}`, [at, 1_000], { op: 'append', key, value: `${at},` }),
  );
  return [...appends, did(`${key} reader`, [2_000, 2_001], get(key), { value: 'never' })];
}

describe('checkLinearizable', () => {
  it('shows the shortest stretch that has no order, without reads that have no part in it', () => {
    const before = legalHistory(seededPrng(1), { operations: 300, clients: 3, keys: 1 }).operations;
    const ours = before.map((operation) => ({ ...operation, key: 'k' }) as Operation);
    const stretch = [
      did('a', [90_000, 90_010], put('x')),
      did('b', [90_005, 90_020], get(), { value: 'x' }),
      did('c', [90_015, 90_030], get(), { value: 'x' }),
      did('d', [90_016, 90_040], put('y')),
      did('e', [90_025, 90_050], get(), { value: 'never' }),
    ];
    const after = [did('a', [95_000, 95_001], get(), { value: 'z' }), did('a', [96_000, 96_001], put('z'))];

    const verdict = checkLinearizable([...ours, ...stretch, ...after], register);

    const [first, , , fourth, stuck] = stretch;
    expect(verdict).toMatchObject({ verdict: 'violation', witness: [first, fourth, stuck] });
    expect(verdict).toMatchObject({ what: expect.stringMatching(/^key k: from \["v\d+",\d+,\d+\] there is no order/) });
  });

  it('cannot tell once its steps, its memory or its time are spent', () => {
    for (const bound of [{ stepsMax: 5_000 }, { nodesMax: 500 }, { timeoutMs: 0 }]) {
      expect(checkLinearizable(hard('k', 12), register, bound)).toEqual({
        verdict: 'unknown',
        why: expect.stringMatching(/^key k: /),
      });
    }
    expect(checkLinearizable(hard('k', 5), register).verdict).toBe('violation');
  });

  it('finds the violation that is easy, whatever else is hard', () => {
    const easy = did('a', [1, 2], get('easy'), { value: 'never' });

    const verdict = checkLinearizable([...hard('hard', 30), easy], register, { stepsMax: 100_000 });

    expect(verdict).toMatchObject({ verdict: 'violation', witness: [easy] });
  });

  it('takes no longer for what comes in turns than there is of it', () => {
    const operations = Array.from({ length: 20_000 }, (_, at) =>
      at % 2 === 0
        ? did('a', [at, at], { op: 'enqueue', key: 'q', value: `${at}` })
        : did('b', [at, at], { op: 'dequeue', key: 'q' }, { value: `${at - 1}` }),
    );

    expect(checkLinearizable(operations, queue, { stepsMax: 100_000 }).verdict).toBe('ok');
  });

  it('bears many unknown writes, of which some were carried out', () => {
    const operations: Operation[] = [];
    for (let at = 0; at < 400; at += 1) {
      operations.push(lost(`x${at}`, at * 10, { op: 'cas', key: 'k', expected: `${at - 1}`, value: `u${at}` }));
      const wasCarriedOut = at % 7 === 3;
      operations.push(
        did('r', [at * 10 + 1, at * 10 + 2], get(), {
          value: wasCarriedOut ? `u${at}` : at === 0 ? null : `${at - 1}`,
        }),
      );
      operations.push(did('w', [at * 10 + 3, at * 10 + 4], put(`${at}`)));
    }

    expect(checkLinearizable(operations, register, { stepsMax: 200_000 }).verdict).toBe('ok');
    const wrong = [...operations, did('r', [9_000, 9_001], get(), { value: 'u3' })];
    expect(checkLinearizable(wrong, register, { stepsMax: 200_000 }).verdict).toBe('violation');
  });

  it('lets a value that is found early be written no later', () => {
    const unknown = lost('x', 5, put('u'));
    const found = did('a', [10, 20], get(), { value: 'u' });

    expect(checkLinearizable([unknown, found], register).verdict).toBe('ok');
    const overwritten = did('a', [30, 31], put('z'));
    const again = did('a', [40, 41], get(), { value: 'u' });
    expect(checkLinearizable([unknown, found, overwritten, again], register).verdict).toBe('violation');
    expect(checkLinearizable([did('a', [1, 2], get(), { value: 'u' }), unknown], register).verdict).toBe('violation');
  });

  it('does not take a value for a certain write’s where appends may have made it', () => {
    const append = (value: string): Call => ({ op: 'append', key: 'k', value });
    const operations = [
      lost('x', 0, put('ab')),
      did('a', [1, 2], append('a'), { revision: 2 }),
      did('a', [3, 4], append('b'), { revision: 3 }),
      did('a', [5, 6], get(), { value: 'ab', modRevision: 3 }),
      did('a', [7, 8], get(), { value: 'ab', modRevision: 3 }),
    ];

    expect(checkLinearizable(operations, register).verdict).toBe('ok');
  });
});

describe('settleByLog', () => {
  const log: LogEvent[] = [
    { event: 'put', revision: 2, key: 'k', value: '1' },
    { event: 'put', revision: 3, key: 'k', value: 'u' },
  ];
  const first = did('a', [0, 10], put('1'), { revision: 2 });
  const carriedOut = lost('x', 5, put('u'));
  const not = lost('y', 6, put('v'));
  const told = did('b', [20, 30], get('other'), { value: null, revision: 3 });

  it('says when an unknown write was carried out, and leaves out those that were not', () => {
    expect(settleByLog([first, carriedOut, not, told], log)).toEqual([
      first,
      { ...carriedOut, outcome: 'ok', result: true, revision: 3, return: 30 },
      told,
    ]);
    expect(settleByLog([first, carriedOut, not], log)).toEqual([
      first,
      { ...carriedOut, outcome: 'ok', result: true, revision: 3 },
    ]);
  });

  it('leaves all as it was where the log does not fit', () => {
    const operations = [first, not, told];

    expect(settleByLog(operations, log)).toBe(operations);
  });

  it('is done where a log is given, which the history must fit', () => {
    expect(checkLinearizable([first, carriedOut, not, told], register, { log }).verdict).toBe('ok');
    expect(checkLinearizable([first, not, told], register).verdict).toBe('ok');
    expect(checkLinearizable([first, not, told], register, { log }).verdict).toBe('violation');
  });
});

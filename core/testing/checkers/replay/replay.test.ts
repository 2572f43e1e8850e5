import { describe, expect, it } from '@jest/globals';
import type { Call, LogEvent, Operation, PartAnswer } from '../history/operation.js';
import { describe as inWords } from '../verdict.js';
import { checkReplay, replay } from './replay.js';

let time = 0;

/** One after the other, unless times are given. */
function done(call: Call, answer: PartAnswer, times?: readonly [number, number]): Operation {
  time += 10;
  const [called, returned] = times ?? [time, time + 5];
  return { ...answer, ...call, client: 1, call: called, return: returned, outcome: 'ok' } as Operation;
}

function unknown(call: Call, called: number): Operation {
  return { ...call, client: 2, call: called, outcome: 'unknown' };
}

const put = (revision: number, key: string, value: string, lease?: string): LogEvent => ({
  ...{ event: 'put', revision, key, value },
  ...(lease ? { lease } : {}),
});
const gone = (revision: number, key: string): LogEvent => ({ event: 'delete', revision, key });
const write = (revision: number, value: string, times?: readonly [number, number]) =>
  done({ op: 'put', key: 'a', value }, { revision }, times);
const read = (revision: number, value: string | null, times?: readonly [number, number]) =>
  done({ op: 'get', key: 'a' }, { revision, value }, times);

describe('checkReplay', () => {
  it('accepts what the write log says', () => {
    const log = [put(2, 'a', '1'), put(3, 'b', 'x'), gone(4, 'a'), put(5, 'a', '2')];
    const operations = [
      read(1, null),
      write(2, '1'),
      done({ op: 'create', key: 'b', value: 'x' }, { revision: 3, result: true }),
      done({ op: 'create', key: 'b', value: 'y' }, { revision: 3, result: false }),
      done({ op: 'delete', key: 'a' }, { revision: 4, deleted: 1 }),
      done({ op: 'delete', key: 'a' }, { revision: 4, deleted: 0 }),
      read(4, null),
      done({ op: 'cas', key: 'a', expected: null, value: '2' }, { revision: 5, result: true }),
      done({ op: 'casRevision', key: 'a', expectedRevision: 4, value: '3' }, { revision: 5, result: false }),
      done({ op: 'get', key: 'a', atRevision: 2 }, { revision: 5, value: '1', modRevision: 2, version: 1 }),
      done(
        { op: 'range', key: 'a', end: 'c' },
        {
          revision: 5,
          kvs: [
            { key: 'a', value: '2' },
            { key: 'b', value: 'x' },
          ],
        },
      ),
    ];

    expect(checkReplay(operations, log)).toEqual({ verdict: 'ok', judgedCount: operations.length });
  });

  it('accepts a transaction as one revision, and what its parts answer', () => {
    const log = [put(2, 'a', '1'), put(3, 'a', '2'), put(3, 'b', '2')];
    const transaction: Call = {
      op: 'txn',
      compares: [{ key: 'a', target: 'version', is: 'equal', operand: 1 }],
      then: [
        { op: 'put', key: 'a', value: '2' },
        { op: 'put', key: 'b', value: '2' },
        { op: 'get', key: 'a' },
      ],
      else: [{ op: 'get', key: 'a' }],
    };
    const first = write(2, '1');
    const taken = done(transaction, { revision: 3, result: true, responses: [{}, {}, { value: '2', modRevision: 3 }] });
    const again = done(transaction, { revision: 3, result: false, responses: [{ value: '2' }] });
    const wrong = done(transaction, { revision: 3, result: false, responses: [{ value: '1' }] });

    expect(checkReplay([first, taken, again], log).verdict).toBe('ok');
    expect(checkReplay([first, taken, wrong], log).verdict).toBe('violation');
    expect(checkReplay([first, taken], log.slice(0, 2)).verdict).toBe('violation');
  });

  it.each<[what: string, operations: readonly Operation[], log: readonly LogEvent[]]>([
    ['the write log has a gap', [write(2, '1')], [put(2, 'a', '1'), put(4, 'a', '2')]],
    ['the write log goes back', [write(2, '1')], [put(2, 'a', '1'), put(3, 'a', '2'), put(2, 'a', '1')]],
    ['the write log does not begin at the beginning', [], [put(3, 'a', '1')]],
    ['a key that is not there is deleted', [], [gone(2, 'a')]],
    ['an acknowledged write is lost', [write(2, '1'), write(3, '2')], [put(2, 'a', '1')]],
    ['an acknowledged write is there at another revision', [write(3, '1')], [put(2, 'a', '1'), put(3, 'a', '2')]],
    ['an acknowledged write wrote something else', [write(2, '1')], [put(2, 'a', '2')]],
    ['an acknowledged write is there twice', [write(2, '1')], [put(2, 'a', '1'), put(3, 'a', '1')]],
    ['two are told the same revision', [write(2, '1'), write(2, '1')], [put(2, 'a', '1')]],
    [
      'another key was deleted',
      [
        write(2, '1'),
        done({ op: 'put', key: 'b', value: '1' }, { revision: 3 }),
        done({ op: 'delete', key: 'a' }, { revision: 4, deleted: 1 }),
      ],
      [put(2, 'a', '1'), put(3, 'b', '1'), gone(4, 'b')],
    ],
    ['two at once are told the same revision', [write(2, '1', [1, 5]), write(2, '1', [2, 4])], [put(2, 'a', '1')]],
    ['nobody wrote what is there', [], [put(2, 'a', '1')]],
    [
      'a read is not of its revision',
      [write(2, '1'), write(3, '2'), read(2, '2')],
      [put(2, 'a', '1'), put(3, 'a', '2')],
    ],
    ['a read is told of a revision to come', [read(2, null)], []],
    [
      'half of a transaction is missing',
      [
        done(
          {
            op: 'txn',
            compares: [],
            then: [
              { op: 'put', key: 'a', value: '1' },
              { op: 'put', key: 'b', value: '1' },
            ],
            else: [],
          },
          { revision: 2 },
        ),
      ],
      [put(2, 'a', '1')],
    ],
    [
      'a failed write is there',
      [{ op: 'put', key: 'a', value: '1', client: 1, call: 1, return: 2, outcome: 'fail' }],
      [put(2, 'a', '1')],
    ],
    [
      'an unknown write is there twice',
      [unknown({ op: 'put', key: 'a', value: '1' }, 1)],
      [put(2, 'a', '1'), put(3, 'a', '1')],
    ],
    [
      'an unknown write took effect before it was called',
      [write(2, '1', [1, 2]), write(4, '3', [3, 4]), unknown({ op: 'put', key: 'a', value: '2' }, 5)],
      [put(2, 'a', '1'), put(3, 'a', '2'), put(4, 'a', '3')],
    ],
    [
      'a part of a lease goes',
      [
        unknown({ op: 'put', key: 'a', value: '1', lease: '7' }, 1),
        unknown({ op: 'put', key: 'b', value: '1', lease: '7' }, 1),
      ],
      [put(2, 'a', '1', '7'), put(3, 'b', '1', '7'), gone(4, 'a')],
    ],
  ])('finds that %s', (_, operations, log) => {
    expect(checkReplay(operations, log).verdict).toBe('violation');
  });

  it('finds a stale read: what was told before it was called is of a later revision', () => {
    const log = [put(2, 'a', '1'), put(3, 'a', '2')];
    const [first, second, stale] = [write(2, '1', [1, 2]), write(3, '2', [3, 4]), read(2, '1', [5, 6])];

    const verdict = checkReplay([first, second, stale], log);

    expect(verdict).toMatchObject({ verdict: 'violation', witness: [second, stale] });
    expect(inWords(verdict)).toContain('"value":"2"');
    expect(checkReplay([first, second, read(2, '1', [4, 6])], log).verdict).toBe('ok');
    const serializable = done({ op: 'get', key: 'a', serializable: true }, { revision: 2, value: '1' }, [5, 6]);
    expect(checkReplay([first, second, serializable], log).verdict).toBe('ok');
  });

  it('lets a change come strictly after what was told before it was called', () => {
    const log = [put(2, 'a', '1')];

    expect(checkReplay([read(2, '1', [1, 2]), write(2, '1', [3, 4])], log).verdict).toBe('violation');
    expect(checkReplay([read(2, '1', [1, 3]), write(2, '1', [3, 4])], log).verdict).toBe('ok');
  });

  it('tells which unknown writes were carried out', () => {
    const log = [put(2, 'a', '1'), put(3, 'a', '3'), gone(4, 'a'), put(5, 'a', '3'), gone(6, 'a')];
    const operations = [
      unknown({ op: 'delete', key: 'a' }, 1),
      unknown({ op: 'cas', key: 'a', expected: null, value: '3' }, 2),
      unknown({ op: 'put', key: 'a', value: '2' }, 3),
      unknown({ op: 'delete', key: 'a' }, 100),
      write(2, '1', [4, 5]),
      unknown({ op: 'put', key: 'a', value: '3' }, 5),
      read(4, null, [50, 60]),
    ];

    const { verdict, revisionOf } = replay(operations, log);

    expect(verdict.verdict).toBe('ok');
    expect([...revisionOf].sort()).toEqual([
      [0, 4],
      [1, 5],
      [3, 6],
      [5, 3],
    ]);
  });

  it('finds another unknown write for a revision, if it needs the one it had for a later one', () => {
    const log = [put(2, 'a', '1'), put(3, 'a', '1')];
    const [either, firstOnly] = [
      unknown({ op: 'put', key: 'a', value: '1' }, 1),
      unknown({ op: 'cas', key: 'a', expected: null, value: '1' }, 2),
    ];

    expect([...replay([either, firstOnly], log).revisionOf].sort()).toEqual([
      [0, 3],
      [1, 2],
    ]);
    expect(checkReplay([firstOnly, firstOnly], log).verdict).toBe('violation');
  });

  it('excuses the end of a lease, and keys that others change too', () => {
    const log = [put(2, 'a', '1', '7'), put(3, 'b', '1', '7'), gone(4, 'a'), gone(4, 'b'), put(5, 'x', '1')];
    const operations = ['a', 'b'].map((key) => unknown({ op: 'put', key, value: '1', lease: '7' }, 1));

    expect(checkReplay(operations, log).verdict).toBe('violation');
    expect(checkReplay(operations, log, { isOwned: (key) => key !== 'x' }).verdict).toBe('ok');
  });

  it('cannot tell without revisions', () => {
    expect(checkReplay([done({ op: 'put', key: 'a', value: '1' }, {})], [put(2, 'a', '1')]).verdict).toBe('unknown');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { toBytes } from '../../../base/bytes.js';
import { LeaseNotFoundError, OutcomeUnknownError, UnavailableError } from '../../../base/errors.js';
import { History } from './history.js';
import { parseHistory, readHistory } from './json-lines.js';

describe('History', () => {
  it('records what was asked, what was answered, and when', () => {
    const history = new History({ nowMs: () => 7 });
    const first = history.begin('one', { op: 'put', key: 'a', value: '1' });
    const second = history.begin('two', { op: 'get', key: 'a' });
    history.ok(second, { value: null, revision: 1 });
    history.ok(first, { revision: 2 });

    expect(history.operations).toEqual([
      { op: 'get', key: 'a', value: null, revision: 1, client: 'two', call: 7_001, return: 7_002, outcome: 'ok' },
      { op: 'put', key: 'a', value: '1', revision: 2, client: 'one', call: 7_000, return: 7_003, outcome: 'ok' },
    ]);
  });

  it('tells failed operations from those of which nobody knows', async () => {
    const history = new History({ nowMs: () => 0 });
    const fails = (error: Error) => ({ work: () => Promise.reject(error), answerOf: () => ({}) });
    const errors = [
      new UnavailableError('gone'),
      new LeaseNotFoundError(1n),
      new OutcomeUnknownError('lost'),
      new Error('?'),
    ];
    for (const error of errors) {
      await expect(history.track(1, { op: 'delete', key: 'a' }, fails(error))).rejects.toBe(error);
    }
    history.begin(1, { op: 'delete', key: 'a' });
    history.finish();

    expect(history.operations.map(({ outcome }) => outcome)).toEqual(['fail', 'fail', 'unknown', 'unknown', 'unknown']);
    expect(history.operations.map((operation) => 'return' in operation)).toEqual([true, true, false, false, false]);
    expect(history.openCount).toBe(0);
  });

  it('comes back from its lines as it was', () => {
    const [kept, lines] = [new History({ nowMs: () => 0 }), [] as string[]];
    const written = new History({ nowMs: () => 0, write: (line) => lines.push(line) });
    for (const history of [kept, written]) {
      history.ok(history.begin(1, { op: 'cas', key: 'a', expected: null, value: 'ü' }), { revision: 2, result: true });
      const kv = { key: toBytes('a'), value: toBytes('ü'), createRevision: 2, modRevision: 2, version: 1, lease: 9n };
      history.heard({ type: 'put', kv });
      history.heard({ type: 'delete', kv: { ...kv, modRevision: 3 } });
    }

    const { operations, log } = parseHistory(lines.join('\n'));

    expect(operations).toEqual(kept.operations);
    expect(log).toEqual(kept.log);
    expect(kept.log).toEqual([
      { event: 'put', revision: 2, key: 'a', value: 'ü', lease: '9', createRevision: 2, version: 1 },
      { event: 'delete', revision: 3, key: 'a' },
    ]);
    expect(written.operations).toEqual([]);
  });

  it('keeps no more than it may', () => {
    const history = new History({ nowMs: () => 0, keptMax: 2 });
    const one = () => history.failed(history.begin(1, { op: 'get', key: 'a' }));
    one();
    one();

    expect(one).toThrow('2 entries');
  });
});

describe('readHistory', () => {
  const inFile = (text: string, look: (path: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'history-'));
    try {
      writeFileSync(join(folder, 'history.json'), text);
      look(join(folder, 'history.json'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const line = (call: number) => `{"client":0,"op":"get","key":"r","call":${call},"outcome":"ok","return":${call + 1}}`;

  it('reads lines and arrays, as often as one likes', () => {
    for (const text of [`${line(1)}\n\n${line(2)}`, `[${line(1)},\n${line(2)}]\n`]) {
      inFile(text, (path) => {
        const { operations, log } = readHistory(path);
        expect([...operations].map(({ call }) => call)).toEqual([1, 2]);
        expect([...operations]).toHaveLength(2);
        expect([...log]).toEqual([]);
      });
    }
  });

  it('reads lines that lie across the pieces in which the file is read', () => {
    const long = `{"event":"put","revision":2,"key":"ü","value":"${'ü'.repeat(1_000)}"}\n`;
    inFile(long.repeat(2_000), (path) => {
      const log = [...readHistory(path).log];
      expect(log).toHaveLength(2_000);
      expect(new Set(log.map(({ value }) => value))).toEqual(new Set(['ü'.repeat(1_000)]));
    });
  });

  it.each([
    '{"op":"get","key":"a"}',
    '{"op":"get","key":"a","call":2,"return":1,"outcome":"ok"}',
    '{"op":"get","key":"a","call":2,"outcome":"ok"}',
    '{"event":"put","key":"a"}',
    '7',
    'null',
    'get a',
  ])('refuses %s', (text) => {
    expect(() => parseHistory(text)).toThrow();
  });
});

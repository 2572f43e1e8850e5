import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seededPrng } from '../../base/prng.js';
import { judgeFile } from './judge-file.js';
import { legalHistory } from './testing/generate.js';

describe('judgeFile', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'judge-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const { operations, log } = legalHistory(seededPrng(3), { operations: 60, clients: 4, keys: 3, unknownPercent: 10 });

  function fileOf(name: string, entries: readonly unknown[]): string {
    const path = join(folder, name);
    writeFileSync(path, entries.map((entry) => JSON.stringify(entry)).join('\n'));
    return path;
  }

  function judged(...args: readonly string[]): { readonly code: number; readonly text: string } {
    let text = '';
    const code = judgeFile(args, (more) => {
      text += more;
    });
    return { code, text };
  }

  it('ends with 0 for a history that is legal', () => {
    const path = fileOf('legal.jsonl', [...operations, ...log]);

    const { code, text } = judged(path, '--check', 'replay,register,store');

    expect(text).toMatch(/^replay .*: ok: \d\d operations\nregister .*: ok: \d\d operations\nstore .*: ok: \d\d oper/);
    expect(code).toBe(0);
    expect(judged(path).text).toMatch(/^replay/);
    expect(judged(fileOf('operations.jsonl', operations)).text).toMatch(/^register/);
  });

  it('takes the write log from another file', () => {
    const [path, without] = [fileOf('operations.jsonl', operations), fileOf('log.jsonl', log)];

    expect(judged(path, '--log', without).text).toMatch(/^replay .*: ok/);
  });

  it('ends with 1 for one that is not, and shows what is wrong', () => {
    const lost = log.filter(({ revision }) => revision < 10);

    const { code, text } = judged(fileOf('lost.jsonl', [...operations, ...lost]), '--check', 'replay,lock');

    expect(text).toContain('violation: it was told revision');
    expect(text).toContain('\n  {');
    expect(code).toBe(1);
  });

  it('ends with 2 where nobody can tell, or nothing was asked that can be done', () => {
    const range = { op: 'range', key: 'a', end: 'b', kvs: [], client: 1, call: 1, return: 2, outcome: 'ok' };
    const path = fileOf('range.jsonl', [range]);

    expect(judged(path)).toMatchObject({ code: 2, text: expect.stringContaining('unknown: range is not on one key') });
    expect(judged(path, '--check', 'guess').code).toBe(2);
    expect(judged(path, '--slack', 'much').code).toBe(2);
    expect(judged().code).toBe(2);
    expect(judged(fileOf('no.jsonl', ['neither']))).toMatchObject({ code: 2 });
    expect(judged(join(folder, 'nothing')).code).toBe(2);
  });
});

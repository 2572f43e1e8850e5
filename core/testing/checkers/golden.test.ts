import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readHistory } from './history/json-lines.js';
import { register } from './models/register.js';
import { checkLinearizable } from './search/search.js';
import { describe as inWords } from './verdict.js';

/** Public histories with known verdicts lie beside the project, or where the variable says. */
const FOLDER = process.env['HISTORIES'] ?? join(process.cwd(), '../shared/data/histories');
const EXPECTED = join(FOLDER, 'expected.json');

if (existsSync(EXPECTED)) {
  const expected = JSON.parse(readFileSync(EXPECTED, 'utf8')) as Record<string, boolean>;
  describe('checkLinearizable agrees with the known verdict of the history', () => {
    it.each(Object.entries(expected))('%s: %s', (name, isLinearizable) => {
      const verdict = checkLinearizable(readHistory(join(FOLDER, `${name}.json`)).operations, register);

      expect([verdict.verdict, inWords(verdict)]).toEqual([isLinearizable ? 'ok' : 'violation', expect.any(String)]);
    });
  });
} else {
  describe('histories with known verdicts', () => {
    it.skip(`are not in ${FOLDER}; HISTORIES may name another folder`, () => {});
  });
}

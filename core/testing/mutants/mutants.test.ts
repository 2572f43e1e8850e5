import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { CATALOGUE, mutantNamed } from './catalogue.js';
import { judge } from './layers/program-layer.js';
import { layerNamed } from './layers/layers.js';
import { changedSource, MUTANT_VARIABLE } from './mutant.js';
import { COMPILED, PROJECT, readSource } from './project.js';
import { ROWS, type RowId } from './rows.js';
import { summaryOf, tableOf } from './table.js';
import type { Trial } from './trial.js';

test('what a mutant changes is in its file exactly once', () => {
  const misfits = CATALOGUE.filter(
    (mutant) => changedSource(mutant, readSource(mutant.file)) === readSource(mutant.file),
  );

  expect(misfits).toEqual([]);
});

test('what a mutant changes into is still TypeScript', () => {
  const broken = CATALOGUE.filter((mutant) => !isTypeScript(changedSource(mutant, readSource(mutant.file))));

  expect(broken.map(({ name }) => name)).toEqual([]);
});

test('no two mutants have a name or a change in common', () => {
  const names = new Set(CATALOGUE.map(({ name }) => name));
  const changes = new Set(CATALOGUE.map(({ file, find, replace }) => JSON.stringify([file, find, replace])));

  expect([names.size, changes.size]).toEqual([CATALOGUE.length, CATALOGUE.length]);
});

test('every bug of the list has a mutant, or a reason why it has none', () => {
  const brought = new Set<number>(CATALOGUE.flatMap(({ rows }) => rows));

  const missing = Object.keys(ROWS)
    .map(Number)
    .filter((row) => !brought.has(row) && !('without' in ROWS[row as RowId]));

  expect(missing).toEqual([]);
});

test('every mutant is looked for in a layer that is there', () => {
  const unseen = CATALOGUE.filter(({ layers }) => layers.every((name) => layerNamed(name).missing !== undefined));

  expect(unseen.map(({ name }) => name)).toEqual([]);
});

test('the hook serves the changed module, also to a worker of the process', async () => {
  const mutant = mutantNamed('quorum-of-half');
  const question = `import { isQuorum } from '${pathToFileURL(join(COMPILED, mutant.file.replace('.ts', '.js'))).href}';
    process.stdout.write(String(isQuorum({ voters: [1n, 2n, 3n, 4n], learners: [] }, (id) => id < 3n)) + '\\n');`;
  const inWorker = `${question}
    import { isMainThread, Worker } from 'node:worker_threads';
    if (isMainThread) new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(question)})));`;

  expect(await answerOf(inWorker, '')).toBe('false\nfalse\n');
  expect(await answerOf(inWorker, mutant.name)).toBe('true\ntrue\n');
});

test('the package has no mutants', async () => {
  const args = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--listFilesOnly'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: PROJECT });
  const { scripts } = JSON.parse(readSource('package.json')) as { scripts: Record<string, string> };

  // What is compiled is packed, and nothing else, for the folder is emptied before.
  expect(stdout.split('\n').filter((file) => file.includes('core/testing/mutants'))).toEqual([]);
  expect(stdout).toContain('core/testing/index.ts');
  expect(scripts['prepack']).toMatch(/rmSync\('dist'.*npm run --silent build$/);
});

test('a layer has caught a mutant only if it says so', () => {
  const ended = { isTimedOut: false, errors: 'TypeError: no such thing', seconds: 1 };

  expect(judge({ ...ended, code: 1, output: '12 seeds\nviolation: two leaders\nafter 3 seeds\n' })).toEqual({
    verdict: 'caught',
    said: 'two leaders',
    took: { count: 3, unit: 'seeds' },
    seconds: 1,
  });
  expect(judge({ ...ended, code: 1, output: '12 seeds\n' }).verdict).toBe('broken');
  expect(judge({ ...ended, code: 2, output: 'violation: two leaders' }).verdict).toBe('broken');
  expect(judge({ ...ended, code: 0, output: '500 seeds' }).verdict).toBe('quiet');
  expect(judge({ ...ended, code: undefined, isTimedOut: true, output: '' }).verdict).toBe('quiet');
});

test('the table tells who caught what and after how much, and who survived', () => {
  const [first, second] = CATALOGUE as [Trial['mutant'], Trial['mutant']];
  const took = { count: 7, unit: 'seeds' };
  const trials: readonly Trial[] = [
    {
      mutant: first,
      caughtBy: 'raft',
      findings: [{ layer: 'raft', verdict: 'caught', said: '', took, seconds: 1.25 }],
      errors: [],
    },
    { mutant: second, caughtBy: undefined, findings: [], errors: [] },
  ];

  const lines = tableOf(trials).split('\n');

  expect(lines[2]).toMatch(new RegExp(`^${first.name} .* raft +7 seeds +1.3$`));
  expect(lines[3]).toMatch(new RegExp(`^${second.name} .* SURVIVED$`));
  expect(summaryOf(trials)).toBe('1 of 2 mutants were caught; seconds: median 1.3, most 1.3; seeds: median 7, most 7');
});

/** By the fastest compiler at hand, for they are many. */
function isTypeScript(source: string): boolean {
  try {
    transformSync(source, { jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' } });
    return true;
  } catch {
    return false;
  }
}

async function answerOf(program: string, mutant: string): Promise<string> {
  const register = join(COMPILED, 'core/testing/mutants/register.js');
  const args = [`--import=${register}`, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: PROJECT,
    env: { ...process.env, [MUTANT_VARIABLE]: mutant },
  });
  return stdout;
}

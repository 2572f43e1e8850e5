/** Does what `quick-start.md` has its readers do, in an empty folder, on a port that is free. */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import { ServeProcess } from '../core/testing/process/serve-process.js';
import { compile, openWorkshop } from './testing/compile.js';
import { commandsOf } from './testing/commands.js';
import { readPage } from './testing/pages.js';
import { type Program, programsOf } from './testing/programs.js';
import { EmptyFolder, run } from './testing/run.js';

const page = readPage('docs/quick-start.md');
const workshop = openWorkshop();
const folder = new EmptyFolder();
let server: ServeProcess | undefined;
let url = '';

/** The program that the reader saves under this name. */
function saved(fileName: string): Program {
  const program = programsOf(page).find((one) => one.fileName === fileName);
  if (!program) throw new Error(`the page has no ${fileName}`);
  return program;
}

afterAll(async () => {
  await server?.end();
  folder[Symbol.dispose]();
  workshop[Symbol.dispose]();
});

test('first.mjs prints what the page says, and a higher token the next time', async () => {
  const path = compile(saved('first.mjs'), workshop.path);

  expect(await run(path, [], folder.path)).toEqual({
    code: 0,
    output: saved('first.mjs').outputs.join(''),
    errors: '',
  });
  expect((await run(path, [], folder.path)).output).toBe('the lock is ours, with fencing token 4\n');
});

test('two worker.mjs take turns through one server', async () => {
  server = ServeProcess.spawn(['--data-dir', join(folder.path, 'data'), '--listen-client-urls', 'http://127.0.0.1:0']);
  url = await server.ready();
  const worker = saved('worker.mjs');
  const hurried = { ...worker, source: worker.source.replace('1_000', '10') };
  const path = compile(hurried, workshop.path);

  const [ada, bob] = await Promise.all(['ada', 'bob'].map((name) => run(path, [name, url], folder.path)));

  expect([ada?.errors, bob?.errors]).toEqual(['', '']);
  const tokens = [ada, bob].map((outcome) =>
    [...(outcome?.output ?? '').matchAll(/token (\d+)/g)].map(([, token]) => Number(token)),
  );
  for (const own of tokens) expect(own).toEqual([...own].sort((a, b) => a - b));
  expect(new Set(tokens.flat()).size).toBe(20);
  expect(Math.min(...tokens.flat())).toBeGreaterThan(4);
});

test('etcdctl shows what they left', async () => {
  if (!isOnPath('etcdctl')) return void process.stderr.write('no etcdctl on the PATH: its commands are not tried\n');
  const outputs: string[] = [];
  for (const { words } of commandsOf(page).filter(({ words }) => words[0] === 'etcdctl')) {
    const args = words.slice(1).map((word) => (word.startsWith('http://') ? url : word));
    outputs.push((await promisify(execFile)('etcdctl', args, { timeout: 10_000 })).stdout);
  }

  expect(outputs).toEqual(['', expect.stringMatching(/^last-worker\n(ada|bob)\n$/)]);
});

function isOnPath(command: string): boolean {
  try {
    return execFileSync('which', [command]).length > 0;
  } catch {
    return false;
  }
}

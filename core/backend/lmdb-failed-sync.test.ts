/** LMDB's file after a sync of it has failed, with LMDB itself, and syncs that a library in between lets fail. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { compilePreload } from '../testing/cluster/preload/preload.js';
import { failOneSync, writeAndList } from './testing/child-programs.js';

/** Compiled before the tests run. */
const CHILD_PROGRAMS = './dist/core/backend/testing/child-programs.js';
const META_BYTES = 2 * 4096;

const folder = mkdtempSync(join(tmpdir(), 'conclave-failed-sync-'));
const preload = compilePreload('failing-sync');
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (typeof preload !== 'string') await preload.remove();
});

/** Skips with its reason in its name. */
function testWithPreload(name: string, work: () => Promise<void>): void {
  if (typeof preload === 'string') test.skip(`${name} (skipped: ${preload})`, () => {});
  else test(name, work);
}

/** @returns what the program printed, and how it ended */
async function run(program: string): Promise<string> {
  const { env, controlFile } = preload as Exclude<typeof preload, string>;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, ...env, FAILING_SYNC: controlFile },
    // On its standard error is what LMDB's binding prints, which cannot be turned off.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return `${output}, exit ${child.exitCode ?? child.signalCode}`;
}

/** A program of {@link CHILD_PROGRAMS}: LMDB ends its process when it reads what is not there. */
function call(child: (path: string, key?: string) => Promise<void>, ...args: readonly string[]): Promise<string> {
  const list = args.map((arg) => JSON.stringify(arg)).join(', ');
  return run(`import { ${child.name} } from '${CHILD_PROGRAMS}'; await ${child.name}(${list});`);
}

async function failed(name: string): Promise<string> {
  const path = join(folder, name);
  expect(await call(failOneSync, path)).toBe('flush 5, exit 0');
  return path;
}

testWithPreload(
  'a transaction whose sync failed is not there when its process has ended and another opens it',
  async () => {
    expect(await call(writeAndList, await failed('restarted'))).toBe('a:10000, exit 0');
  },
);

testWithPreload('nothing depends on pages that a failed sync left in memory alone', async () => {
  const path = await failed('pages-lost');
  const seen = readFileSync(join(path, 'data.mdb'));
  const onDisk = readFileSync(`${path}.on-disk`);

  // The system need not keep in memory what it takes for written: it reads it from the disk again.
  const reread = join(folder, 'reread');
  mkdirSync(reread);
  writeFileSync(join(reread, 'data.mdb'), Buffer.concat([seen.subarray(0, META_BYTES), onDisk.subarray(META_BYTES)]));

  expect(await call(writeAndList, reread, 'c')).toBe('a:10000 c:10000, exit 0');
  expect(await call(writeAndList, reread)).toBe('a:10000 c:10000, exit 0');
});

testWithPreload('an engine that cannot make sure that what it reads is on the disk does not open', async () => {
  const path = await failed('unsure');
  const { controlFile } = preload as Exclude<typeof preload, string>;
  writeFileSync(controlFile, 'fail');
  const program = `import { openLmdbBackend } from './dist/core/backend/lmdb-backend.js';
    try { openLmdbBackend({ path: '${path}' }); } catch (error) { process.stdout.write(error.code); }`;

  expect(await run(program)).toBe('DATA_DIR_UNREADABLE, exit 0');
  rmSync(controlFile);
  expect(await call(writeAndList, path)).toBe('a:10000, exit 0');
});

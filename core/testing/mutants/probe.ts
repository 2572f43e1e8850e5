/**
 * Whether a mutant starts at all: everything of the package is loaded, a member begins in an empty folder, and serves a
 * write, a read and a lock. A bug that keeps a program from that is none that anybody would have shipped.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, Mutex } from '../../../recipes/index.js';
import { mutantNamed } from './catalogue.js';
import { MUTANT_VARIABLE } from './mutant.js';
import { COMPILED } from './project.js';

// Some of it is loaded only by those who need it.
await import(join(COMPILED, mutantNamed(process.env[MUTANT_VARIABLE] ?? '').file.replace(/\.ts$/, '.js')));
const dataDir = await mkdtemp(join(tmpdir(), 'conclave-probe-'));
try {
  const store = await connect(`embedded:${dataDir}`);
  await store.put('probe', 'there');
  const found = await store.get('probe');
  if (Buffer.from(found?.value ?? []).toString() !== 'there') throw new Error('what was put is not there');
  const mutex = new Mutex(store, { name: 'probe' });
  const held = await mutex.acquire();
  await held.release();
  await mutex.dispose();
  await store.close();
} finally {
  await rm(dataDir, { recursive: true, force: true });
}

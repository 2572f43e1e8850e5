import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { describeBackend } from './backend.contract.js';
import { openLmdbBackend } from './lmdb-backend.js';

const folder = mkdtempSync(join(tmpdir(), 'conclave-backend-'));
let opened = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function freshPath(): string {
  opened += 1;
  return join(folder, `db-${opened}`);
}

describeBackend('an LMDB backend', async () => openLmdbBackend({ path: freshPath() }));

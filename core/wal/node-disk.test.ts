import { expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskContract } from './disk.contract.js';
import { nodeDisk, writeFully } from './node-disk.js';

diskContract('the real disk', async () => {
  const path = await mkdtemp(join(tmpdir(), 'conclave-disk-'));
  return { disk: nodeDisk, path, remove: () => rm(path, { recursive: true }) };
});

test('a write that the system takes in parts goes on until all is written', async () => {
  const written: number[] = [];
  await writeFully((from, done) => {
    written.push(from);
    done(null, Math.min(3, 8 - from));
  }, 8);
  expect(written).toEqual([0, 3, 6]);
});

test('a write fails where the rest of it does', async () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  const written = writeFully((from, done) => (from === 0 ? done(null, 3) : done(full, 0)), 8);
  await expect(written).rejects.toBe(full);
});

test('a write of which nothing more is taken fails instead of going round for ever', async () => {
  await expect(writeFully((_from, done) => done(null, 0), 8)).rejects.toMatchObject({ code: 'EIO' });
});

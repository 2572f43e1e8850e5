import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { seededPrng } from '../../../base/prng.js';
import { damageOne } from './damage.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conclave-damage-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A file of which so much is written, and the rest zeros. */
function write(name: string, usedBytes: number): Buffer {
  const bytes = Buffer.alloc(100_000);
  bytes.fill(7, 0, usedBytes);
  writeFileSync(join(folder, name), bytes);
  return bytes;
}

test('some bytes are damaged, none of them near the end of what is written', () => {
  const before = write('log', 40_000);
  for (let seed = 0; seed < 50; seed += 1) {
    write('log', 40_000);
    expect(damageOne(folder, seededPrng(seed))).toMatch(/bytes (flipped|zeroed) at \d+ of/);

    const after = readFileSync(join(folder, 'log'));
    expect(after.equals(before)).toBe(false);
    expect(after.subarray(25_000).equals(before.subarray(25_000))).toBe(true);
  }
});

test('a file with too little in it is left alone', () => {
  const before = write('log', 10_000);

  expect(damageOne(folder, seededPrng(1))).toBeUndefined();
  expect(readFileSync(join(folder, 'log')).equals(before)).toBe(true);
});

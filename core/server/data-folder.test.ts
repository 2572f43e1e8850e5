import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import { seededPrng } from '../base/prng.js';
import { openDataFolder, orDataDirError } from './data-folder.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (path: string, { seed = 1, logger = silentLogger } = {}) =>
  openDataFolder(path, { prng: seededPrng(seed), logger });

describe('a data folder', () => {
  test('is made with everything above it, for its owner alone', async () => {
    const path = join(folder, 'a', 'b');
    const opened = await open(path);

    expect((await readdir(path)).sort()).toEqual(['FORMAT', 'LOCK', 'db', 'wal']);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    await opened.release();
  });

  test('keeps who the member is', async () => {
    const first = await open(folder, { seed: 1 });
    await first.release();
    const second = await open(folder, { seed: 2 });
    await second.release();

    expect(second.identity).toEqual(first.identity);
    expect(first.identity.memberId).not.toBe(first.identity.clusterId);
  });

  test('is opened by one at a time', async () => {
    const opened = await open(folder);

    await expect(open(folder, { seed: 2 })).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED', path: folder });
    await opened.release();
  });

  test('whose format is newer is left alone, and is not locked by the refusal', async () => {
    await (await open(folder)).release();
    const format = await readFile(join(folder, 'FORMAT'), 'utf8');
    await writeFile(join(folder, 'FORMAT'), format.replace('1\n', '2\n'));

    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(open(folder)).rejects.toMatchObject({
        code: 'DATA_DIR_NEWER_FORMAT',
        message: expect.stringMatching(/format 2, .* up to 1$/),
      });
    }
  });

  test('whose FORMAT has any byte changed, or is cut, or empty, is refused', async () => {
    await (await open(folder)).release();
    const format = await readFile(join(folder, 'FORMAT'));
    const spoilt = [Buffer.alloc(0), format.subarray(0, -1)];
    for (let i = 0; i < format.length; i += 7)
      spoilt.push(Buffer.from(format.map((byte, at) => (at === i ? byte ^ 1 : byte))));

    for (const bytes of spoilt) {
      await writeFile(join(folder, 'FORMAT'), bytes);
      await expect(open(folder)).rejects.toMatchObject({
        code: expect.stringMatching(/^DATA_DIR_(UNREADABLE|NEWER_FORMAT)$/),
      });
    }
  });

  test('that has data but no FORMAT is refused, not begun anew', async () => {
    await (await open(folder)).release();
    await rm(join(folder, 'FORMAT'));

    await expect(open(folder)).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE' });
    expect(await readdir(folder)).not.toContain('FORMAT');
  });

  test('that a crash left half made is begun again', async () => {
    await writeFile(join(folder, 'FORMAT.new'), '1\nclus');

    await (await open(folder)).release();
  });

  test('that is a file is refused', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');

    await expect(open(path)).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE', path });
    await expect(open(join(path, 'below'))).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE' });
  });

  test('that others can enter is opened with a warning', async () => {
    const warnings: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
    await chmod(folder, 0o755);
    await (await open(folder, { logger })).release();
    await chmod(folder, 0o700);
    await (await open(folder, { logger })).release();

    expect(warnings).toEqual([{ path: folder, mode: '755' }]);
  });

  const asRoot = process.getuid?.() === 0;
  (asRoot ? test.skip : test)('that cannot be written to is refused', async () => {
    const path = join(folder, 'read-only');
    await mkdir(path, { mode: 0o500 });

    await expect(open(path)).rejects.toMatchObject({ code: 'DATA_DIR_READ_ONLY' });
  });

  test.each([
    ['EROFS', 'DATA_DIR_READ_ONLY'],
    ['EACCES', 'DATA_DIR_READ_ONLY'],
    ['ENOSPC', 'DATA_DIR_FULL'],
    ['EDQUOT', 'DATA_DIR_FULL'],
    ['EIO', 'DATA_DIR_UNREADABLE'],
  ])('%s from the system is told as %s', async (systemCode, code) => {
    const failing = orDataDirError('/data', () => Promise.reject(Object.assign(new Error('no'), { code: systemCode })));

    await expect(failing).rejects.toMatchObject({ code, path: '/data' });
  });
});

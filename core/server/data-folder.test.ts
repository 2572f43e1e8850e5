import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from '../base/errors.js';
import { silentLogger } from '../base/logger.js';
import { seededPrng } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { openDataFolder, orDataDirError, rewriteIdentity } from './data-folder.js';
import { thisMachine } from './platform.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const SURROUNDINGS = { platform: thisMachine, prng: seededPrng(1), clock: systemClock, logger: silentLogger };

const open = (path: string, { seed = 1, logger = silentLogger } = {}) =>
  openDataFolder(path, { ...SURROUNDINGS, prng: seededPrng(seed), logger });

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

  test('is for whoever it is begun for, who is asked only then', async () => {
    const identity = { clusterId: 2n ** 64n - 1n, memberId: 7n, incarnation: 2n ** 63n };
    let asked = 0;
    const begin = async () => {
      asked += 1;
      return identity;
    };
    for (let time = 0; time < 2; time += 1) {
      const opened = await openDataFolder(folder, { ...SURROUNDINGS, begin });
      expect(opened.identity).toEqual(identity);
      await opened.release();
    }
    expect(asked).toBe(1);
    expect(await readFile(join(folder, 'FORMAT'), 'utf8')).toBe(
      '2\ncluster ffffffffffffffff\nmember 0000000000000007\nincarnation 8000000000000000\ncrc32 518da241\n',
    );
  });

  test('of which nothing is begun if who is to live there cannot be told', async () => {
    const begin = () => Promise.reject(new InvalidArgumentError('peers', 0, 'some'));
    const opening = openDataFolder(folder, { ...SURROUNDINGS, begin });
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });

    expect(await readdir(folder)).toEqual(['LOCK']);
    await (await open(folder)).release();
  });

  test('goes on as another member, durably', async () => {
    const opened = await open(folder);
    const identity = { clusterId: 1n, memberId: opened.identity.memberId, incarnation: 3n };

    const changed = await rewriteIdentity(opened, identity);
    await changed.release();

    expect(changed.identity).toEqual(identity);
    const again = await open(folder);
    expect(again.identity).toEqual(identity);
    await again.release();
  });

  test('of an earlier development version is refused, in plain words', async () => {
    const text = '1\ncluster 0000000000000001\nmember 0000000000000002\ncrc32 00000000\n';
    await writeFile(join(folder, 'FORMAT'), text);

    await expect(open(folder)).rejects.toMatchObject({
      code: 'DATA_DIR_UNREADABLE',
      message: expect.stringContaining('an earlier development version of Conclave wrote it'),
    });
    expect(await readFile(join(folder, 'FORMAT'), 'utf8')).toBe(text);
  });

  test('is opened by one at a time', async () => {
    const opened = await open(folder);

    await expect(open(folder, { seed: 2 })).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED', path: folder });
    await opened.release();
  });

  test('whose format is newer is left alone, and is not locked by the refusal', async () => {
    await (await open(folder)).release();
    const format = await readFile(join(folder, 'FORMAT'), 'utf8');
    await writeFile(join(folder, 'FORMAT'), format.replace('2\n', '3\n'));

    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(open(folder)).rejects.toMatchObject({
        code: 'DATA_DIR_NEWER_FORMAT',
        message: expect.stringMatching(/format 3, .* up to 2$/),
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
    await writeFile(join(folder, 'FORMAT.new'), '2\nclus');

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

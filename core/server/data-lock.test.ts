import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { seededPrng } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { lockDataFolder } from './data-lock.js';
import { systemPrng } from '../base/system-prng.js';

const SURROUNDINGS = { prng: systemPrng, clock: systemClock };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Another process that listens on a claim, as a member does, until it is killed. */
async function otherProcess(claim: string) {
  const program = `require('node:net').createServer().listen(${JSON.stringify(claim)}, () => process.stdout.write('.'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    pid: child.pid as number,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

describe('the lock of a data folder', () => {
  test('is taken once, in the same process too, and again once it is released', async () => {
    const lock = await lockDataFolder(folder, SURROUNDINGS);

    await expect(lockDataFolder(folder, SURROUNDINGS)).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
      message: expect.stringContaining(`process ${process.pid} has it open`),
    });

    await lock.release();
    await (await lockDataFolder(folder, SURROUNDINGS)).release();
    expect(await readdir(join(folder, 'LOCK'))).toEqual([]);
  });

  test('held by another process, it is refused, and free as soon as that process was killed', async () => {
    await mkdir(join(folder, 'LOCK'));
    const other = await otherProcess(join(folder, 'LOCK', '4711.other'));
    await expect(lockDataFolder(folder, SURROUNDINGS)).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' });

    await other.kill();

    const lock = await lockDataFolder(folder, SURROUNDINGS);
    expect(await readdir(join(folder, 'LOCK'))).toHaveLength(1);
    await lock.release();
  });

  test('a claim that a dead process left does not count, even if its process id was given to a live one', async () => {
    await mkdir(join(folder, 'LOCK'));
    const other = await otherProcess(join(folder, 'LOCK', `${process.pid}.reused`));
    await other.kill();

    await (await lockDataFolder(folder, SURROUNDINGS)).release();
  });

  test('something else that lies in the folder neither holds the lock nor breaks it', async () => {
    await mkdir(join(folder, 'LOCK'));
    await writeFile(join(folder, 'LOCK', 'notes'), '');

    await (await lockDataFolder(folder, SURROUNDINGS)).release();
  });

  test('of several who take it at once, at most one has it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const taken = await Promise.allSettled(
        Array.from({ length: 4 }, (_, i) =>
          lockDataFolder(folder, { prng: seededPrng(10 * round + i), clock: systemClock }),
        ),
      );

      const locks = taken.filter((result) => result.status === 'fulfilled');
      expect(locks.length).toBeLessThanOrEqual(1);
      for (const lock of locks) await lock.value.release();
    }
  });

  test('a path that is too long for a socket is no obstacle', async () => {
    const deep = join(folder, 'd'.repeat(60), 'd'.repeat(60));
    await mkdir(deep, { recursive: true });

    const lock = await lockDataFolder(deep, SURROUNDINGS);
    await expect(lockDataFolder(deep, SURROUNDINGS)).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' });
    await lock.release();
  });
});

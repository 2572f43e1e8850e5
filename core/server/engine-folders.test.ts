import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Disk } from '../wal/disk.js';
import { nodeDisk } from '../wal/node-disk.js';
import { engineFolders, putInForce, settleFolders } from './engine-folders.js';

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'conclave-engine-'));
});
afterEach(() => rm(path, { recursive: true }));

/** An engine's folder of two files. */
async function make(folder: string, content: string): Promise<void> {
  await mkdir(folder);
  for (const name of ['data.mdb', 'lock.mdb']) await writeFile(join(folder, name), content);
}

/** A disk of which one rename or removal is cut off: not begun, or half done, and none is begun after it. */
function cutOff(at: number, how: 'before' | 'half'): Disk & { readonly count: () => number } {
  let count = 0;
  const act = async (whole: () => Promise<void>, half: () => Promise<void>) => {
    const number = count;
    count += 1;
    if (number < at) return whole();
    if (number === at && how === 'half') await half();
    throw new Error('the process ended');
  };
  return {
    ...nodeDisk,
    rename: (from, to) =>
      act(
        () => nodeDisk.rename(from, to),
        // A rename is done or not; only its being durable may still be open.
        () => nodeDisk.rename(from, to),
      ),
    removeTree: (folder) =>
      act(
        () => nodeDisk.removeTree(folder),
        () => rm(join(folder, 'data.mdb'), { force: true }),
      ),
    count: () => count,
  };
}

const inForce = () => readFile(join(path, 'db', 'data.mdb'), 'utf8');

describe('a process that ends', () => {
  test.each(['before', 'half'] as const)(
    'while a state is put in force (%s a step) leaves the old one or the new one, settled',
    async (how) => {
      const seen: string[] = [];
      for (let step = 0; step < 5; step += 1) {
        for (const name of await readdir(path)) await nodeDisk.removeTree(join(path, name));
        const folders = engineFolders(path);
        await make(folders.current, 'old');
        await make(folders.incoming, 'new');
        const disk = cutOff(step, how);
        const isDone = await putInForce(disk, folders).then(
          () => true,
          () => false,
        );
        expect(isDone).toBe(step === disk.count());

        await settleFolders(nodeDisk, path);

        seen.push(await inForce());
        expect(await readdir(path)).toEqual(['db']);
      }
      // The first rename is the point of no return.
      expect(seen).toEqual(
        how === 'before' ? ['old', 'old', 'new', 'new', 'new'] : ['old', 'new', 'new', 'new', 'new'],
      );
    },
  );

  test.each([
    [['db', 'db.receiving', 'db.compacting', 'db.incoming', 'db.outgoing'], 'db'],
    [['db', 'db.compacting'], 'db'],
    [['db.receiving', 'db.incoming', 'db.outgoing'], 'db.incoming'],
    [['db.incoming'], 'db.incoming'],
  ])('while %s are settled is followed by a start that settles them in the same way', async (names, expected) => {
    for (const how of ['before', 'half'] as const) {
      for (let step = 0; step < 5; step += 1) {
        for (const name of await readdir(path)) await nodeDisk.removeTree(join(path, name));
        for (const name of names) await make(join(path, name), name);
        await settleFolders(cutOff(step, how), path).catch(() => undefined);

        await settleFolders(nodeDisk, path);

        expect(await inForce()).toBe(expected);
        expect(await readdir(path)).toEqual(['db']);
      }
    }
  });
});

test("a new folder is given an empty engine's folder", async () => {
  await settleFolders(nodeDisk, path);
  expect([await readdir(path), await readdir(join(path, 'db'))]).toEqual([['db'], []]);
});

/** Folders, made and renamed so that a crash does not undo it. */
import { dirname, resolve } from 'node:path';
import type { Disk } from '../wal/disk.js';

/** Why a folder of somebody else cannot be synced, in which this process cannot have made anything. */
const NOT_OURS = new Set(['EACCES', 'EPERM', 'EROFS', 'EINVAL', 'ENOTSUP']);

/**
 * Makes a folder and what is above it, durably: a new name is only safe once the folder that has it is synced. One that is
 * there already may have been made by a process that ended before it could do that; so each is made only when those above
 * it are durable, and the lowest that is there is made durable once more.
 *
 * @returns the topmost folder that was made; `undefined` if none had to be
 */
export async function makeFolder(disk: Disk, path: string): Promise<string | undefined> {
  const missing: string[] = [];
  let there = resolve(path);
  for (; !(await disk.exists(there)); there = dirname(there)) missing.unshift(there);
  await disk.syncDirectory(dirname(there)).catch((error: NodeJS.ErrnoException) => {
    if (!NOT_OURS.has(error.code as string)) throw error;
  });
  for (const folder of missing) {
    await disk.makeDirectory(folder);
    await disk.syncDirectory(dirname(folder));
  }
  return missing[0];
}

/** Gives a file or folder another name in the same folder, durably. */
export async function renameDurably(disk: Disk, from: string, to: string): Promise<void> {
  await disk.rename(from, to);
  await disk.syncDirectory(dirname(resolve(to)));
}

/** Folders, made and renamed so that a crash does not undo it. */
import { dirname, resolve } from 'node:path';
import type { Disk } from '../wal/disk.js';

/**
 * Makes a folder and what is above it, durably: a new name is only safe once the folder that has it is synced.
 *
 * @returns the topmost folder that was made; `undefined` if none had to be
 */
export async function makeFolder(disk: Disk, path: string): Promise<string | undefined> {
  const missing = await missingFolders(disk, resolve(path));
  for (const folder of missing.toReversed()) await disk.makeDirectory(folder);
  for (const folder of missing) await disk.syncDirectory(dirname(folder));
  return missing.at(-1);
}

/** Gives a file or folder another name in the same folder, durably. */
export async function renameDurably(disk: Disk, from: string, to: string): Promise<void> {
  await disk.rename(from, to);
  await disk.syncDirectory(dirname(resolve(to)));
}

/** The lowest first. */
async function missingFolders(disk: Disk, path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let folder = path; !(await disk.exists(folder)); folder = dirname(folder)) missing.push(folder);
  return missing;
}

/** Folders, made, removed and renamed so that a crash does not undo it. */
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Only for its owner: a data folder holds everything that the store does. */
const FOLDER_MODE = 0o700;

/**
 * Makes a folder and what is above it, durably: a new name is only safe once the folder that has it is synced.
 *
 * @returns the topmost folder that was made; `undefined` if none had to be
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  if (first === undefined) return undefined;
  const top = dirname(resolve(first));
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    await syncFolder(folder);
    if (folder === top || folder === dirname(folder)) return first;
  }
}

/** Makes it durable which names a folder has. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Gives a file or folder another name in the same folder, durably. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(resolve(to)));
}

/** Removes a folder and all that is in it; if it does not exist, nothing happens. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

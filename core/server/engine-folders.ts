/**
 * The folders of the engine while one state takes the place of another. `docs/internals/snapshot-format.md` has the table
 * of what a crash leaves:
 *
 * ```
 * db.receiving/   filled as a snapshot comes
 * db.incoming/    a snapshot that is whole, checked and durable
 * db/             the state in force
 * db.outgoing/    the state before
 * ```
 */
import { join } from 'node:path';
import { DataDirError } from '../base/errors.js';
import { exists, makeFolder, removeFolder, renameDurably } from './folders.js';

export interface EngineFolders {
  readonly receiving: string;
  readonly incoming: string;
  readonly current: string;
  readonly outgoing: string;
}

/** @param path - the data folder */
export function engineFolders(path: string): EngineFolders {
  return {
    receiving: join(path, 'db.receiving'),
    incoming: join(path, 'db.incoming'),
    current: join(path, 'db'),
    outgoing: join(path, 'db.outgoing'),
  };
}

/** What is done to folders; a test lets the process end within it. */
export interface FolderOperations {
  readonly rename: typeof renameDurably;
  readonly remove: typeof removeFolder;
}

const OPERATIONS: FolderOperations = { rename: renameDurably, remove: removeFolder };

/** Puts the incoming state in the place of the current one, whose engine is closed. */
export async function putInForce(
  { incoming, current, outgoing }: EngineFolders,
  { rename, remove } = OPERATIONS,
): Promise<void> {
  await remove(outgoing);
  await rename(current, outgoing);
  await rename(incoming, current);
  await remove(outgoing);
}

/**
 * Finishes what a crash interrupted, or undoes it, and makes the engine's folder if there never was one.
 *
 * @throws {@link DataDirError} if the engine's folder is gone
 */
export async function settleFolders(path: string, { rename, remove } = OPERATIONS): Promise<void> {
  const { receiving, incoming, current, outgoing } = engineFolders(path);
  await remove(receiving);
  if (await exists(current)) {
    await remove(incoming);
    await remove(outgoing);
    return;
  }
  if (await exists(incoming)) {
    await rename(incoming, current);
    await remove(outgoing);
    return;
  }
  if (await exists(outgoing)) {
    throw new DataDirError('DATA_DIR_UNREADABLE', path, 'it has db.outgoing but no db; restore this member');
  }
  await makeFolder(current);
}

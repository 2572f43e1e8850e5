/**
 * The folders of the engine while one state takes the place of another. `docs/internals/snapshot-format.md` has the table
 * of what a crash leaves:
 *
 * ```
 * db.receiving/   filled as a snapshot comes
 * db.compacting/  filled as the engine is written anew
 * db.incoming/    one of these that is whole, checked and durable
 * db/             the state in force
 * db.outgoing/    the state before
 * ```
 */
import { join } from 'node:path';
import { DataDirError } from '../base/errors.js';
import type { Disk } from '../wal/disk.js';
import { makeFolder, renameDurably } from './folders.js';

export interface EngineFolders {
  readonly receiving: string;
  readonly compacting: string;
  readonly incoming: string;
  readonly current: string;
  readonly outgoing: string;
}

/** @param path - the data folder */
export function engineFolders(path: string): EngineFolders {
  return {
    receiving: join(path, 'db.receiving'),
    compacting: join(path, 'db.compacting'),
    incoming: join(path, 'db.incoming'),
    current: join(path, 'db'),
    outgoing: join(path, 'db.outgoing'),
  };
}

/** Puts the incoming state in the place of the current one, whose engine is closed, or is read only and holds the same. */
export async function putInForce(disk: Disk, { incoming, current, outgoing }: EngineFolders): Promise<void> {
  await disk.removeTree(outgoing);
  await renameDurably(disk, current, outgoing);
  await renameDurably(disk, incoming, current);
  await disk.removeTree(outgoing);
}

/**
 * Finishes what a crash interrupted, or undoes it, and makes the engine's folder if there never was one.
 *
 * @throws {@link DataDirError} if the engine's folder is gone
 */
export async function settleFolders(disk: Disk, path: string): Promise<void> {
  const { receiving, compacting, incoming, current, outgoing } = engineFolders(path);
  await disk.removeTree(receiving);
  await disk.removeTree(compacting);
  if (await disk.exists(current)) {
    await disk.removeTree(incoming);
    await disk.removeTree(outgoing);
    return;
  }
  if (await disk.exists(incoming)) {
    await renameDurably(disk, incoming, current);
    await disk.removeTree(outgoing);
    return;
  }
  if (await disk.exists(outgoing)) {
    throw new DataDirError('DATA_DIR_UNREADABLE', path, 'it has db.outgoing but no db; restore this member');
  }
  await makeFolder(disk, current);
}

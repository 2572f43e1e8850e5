/**
 * The folder in which a member lives:
 *
 * ```
 * FORMAT   the version of this layout, and who the member is; see format-file.ts
 * LOCK/    who has it open; see data-lock.ts
 * wal/     the log: what was acknowledged
 * db/      the engine: what was applied; beside it others while a snapshot is installed, see engine-folders.ts
 * ```
 */
import { join } from 'node:path';
import { InvariantError } from '../base/assert.js';
import { CoordinationError, DataDirError } from '../base/errors.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import { type Identity, randomIdentity } from '../member/identity.js';
import type { Disk } from '../wal/disk.js';
import type { DataLock } from './data-lock.js';
import { engineFolders, settleFolders } from './engine-folders.js';
import { makeFolder } from './folders.js';
import { readFormat, writeFormat } from './format-file.js';
import type { Platform } from './platform.js';

/** Tells who is to live in a folder in which nobody does yet. */
export type Begin = () => Identity | Promise<Identity>;

export interface DataFolderOptions {
  readonly platform: Pick<Platform, 'disk' | 'lock' | 'checkAccess'>;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** Default: a member of a cluster of its own, with ids drawn at random. */
  readonly begin?: Begin | undefined;
}

/** An open data folder: locked, known to be ours, and with its subfolders in place. */
export interface DataFolder {
  readonly disk: Disk;
  readonly path: string;
  readonly walPath: string;
  readonly dbPath: string;
  readonly identity: Identity;
  /** Lets others open it. To be called last, when nothing in it is open any more. */
  release(): Promise<void>;
}

/**
 * Opens a data folder, and makes it if it does not exist. What a crash left of the installation of a snapshot is settled.
 *
 * @throws {@link DataDirError} whose code tells why it cannot be used; nothing in it was changed then
 */
export async function openDataFolder(path: string, options: DataFolderOptions): Promise<DataFolder> {
  const { platform, prng, logger, begin = () => randomIdentity(prng) } = options;
  return orDataDirError(path, async () => {
    await makeFolder(platform.disk, path);
    await platform.checkAccess(path, logger);
    const lock = await platform.lock(path, options);
    try {
      return await openLocked(platform.disk, path, lock, begin);
    } catch (error) {
      await lock.release();
      throw error;
    }
  });
}

/**
 * Lets somebody else live in an open folder from now on, as when one member goes on as a cluster of its own. A crash
 * leaves the one or the other.
 *
 * @returns the folder, with who lives in it now
 * @throws {@link DataDirError}
 */
export async function rewriteIdentity(folder: DataFolder, identity: Identity): Promise<DataFolder> {
  await orDataDirError(folder.path, () => writeFormat(folder.disk, folder.path, identity));
  return { ...folder, identity };
}

/** Lets typed errors through, and gives every other one the folder's name and a code. */
export async function orDataDirError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CoordinationError || error instanceof InvariantError) throw error;
    throw new DataDirError(codeOf(error as NodeJS.ErrnoException), path, (error as Error).message, { cause: error });
  }
}

async function openLocked(disk: Disk, path: string, lock: DataLock, begin: Begin): Promise<DataFolder> {
  const [walPath, dbPath] = [join(path, 'wal'), engineFolders(path).current];
  const identity = (await readFormat(disk, path)) ?? (await beginFolder(disk, path, [walPath, dbPath], begin));
  await makeFolder(disk, walPath);
  await settleFolders(disk, path);
  return { disk, path, walPath, dbPath, identity, release: () => lock.release() };
}

/** Makes a new member. FORMAT comes first, so that a crash in between leaves a folder that can be begun again. */
async function beginFolder(disk: Disk, path: string, subfolders: readonly string[], begin: Begin): Promise<Identity> {
  for (const folder of subfolders) {
    if (await disk.exists(folder)) {
      const why = `it has ${folder} but no FORMAT; restore that file, or if a restore was cut off, begin it again`;
      throw new DataDirError('DATA_DIR_UNREADABLE', path, why);
    }
  }
  const identity = await begin();
  await writeFormat(disk, path, identity);
  return identity;
}

function codeOf(error: NodeJS.ErrnoException): DataDirError['code'] {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'DATA_DIR_READ_ONLY';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'DATA_DIR_FULL';
    default:
      return 'DATA_DIR_UNREADABLE';
  }
}

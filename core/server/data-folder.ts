/**
 * The folder in which a member lives:
 *
 * ```
 * FORMAT   the version of this layout, and who the member is
 * LOCK/    who has it open; see data-lock.ts
 * wal/     the log: what was acknowledged
 * db/      the engine: what was applied
 * ```
 */
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { InvariantError } from '../base/assert.js';
import { CoordinationError, DataDirError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import { type Identity, randomIdentity } from '../member/identity.js';
import { type DataLock, lockDataFolder } from './data-lock.js';

/** The version that this program writes, and the newest that it reads. */
const FORMAT_VERSION = 1;

/** Only for its owner: it holds everything that the store does. */
const FOLDER_MODE = 0o700;
const OTHERS_MODE = 0o077;

/** An open data folder: locked, known to be ours, and with its subfolders in place. */
export interface DataFolder {
  readonly path: string;
  readonly walPath: string;
  readonly dbPath: string;
  readonly identity: Identity;
  /** Lets others open it. To be called last, when nothing in it is open any more. */
  release(): Promise<void>;
}

/**
 * Opens a data folder, and makes it if it does not exist.
 *
 * @throws {@link DataDirError} whose code tells why it cannot be used; nothing in it was changed then
 */
export async function openDataFolder(path: string, { prng, logger }: Surroundings): Promise<DataFolder> {
  return orDataDirError(path, async () => {
    await makeFolder(path);
    await checkAccess(path, logger);
    const lock = await lockDataFolder(path, prng);
    try {
      return await openLocked(path, lock, prng);
    } catch (error) {
      await lock.release();
      throw error;
    }
  });
}

interface Surroundings {
  readonly prng: Prng;
  readonly logger: Logger;
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

async function openLocked(path: string, lock: DataLock, prng: Prng): Promise<DataFolder> {
  const [walPath, dbPath] = [join(path, 'wal'), join(path, 'db')];
  const identity = (await readFormat(path)) ?? (await begin(path, [walPath, dbPath], prng));
  for (const folder of [walPath, dbPath]) await makeFolder(folder);
  return { path, walPath, dbPath, identity, release: () => lock.release() };
}

// --- FORMAT -------------------------------------------------------------------------------------------------------

/** Who lives here; `undefined` if nobody does yet. */
async function readFormat(path: string): Promise<Identity | undefined> {
  const file = join(path, 'FORMAT');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [, format] = /^(\d+)\n/.exec(text) ?? [];
  if (Number(format) > FORMAT_VERSION) {
    const why = `it has format ${format}, and this version of Conclave reads up to ${FORMAT_VERSION}`;
    throw new DataDirError('DATA_DIR_NEWER_FORMAT', path, why);
  }
  const [, clusterId, memberId] = /\ncluster ([0-9a-f]{16})\nmember ([0-9a-f]{16})\n/.exec(text) ?? [];
  const identity = { clusterId: BigInt(`0x${clusterId ?? 0}`), memberId: BigInt(`0x${memberId ?? 0}`) };
  if (text === formatText(identity)) return identity;
  throw new DataDirError('DATA_DIR_UNREADABLE', path, 'FORMAT is not as this program wrote it; restore that file');
}

function formatText({ clusterId, memberId }: Identity): string {
  const hex = (id: bigint) => id.toString(16).padStart(16, '0');
  const facts = `${FORMAT_VERSION}\ncluster ${hex(clusterId)}\nmember ${hex(memberId)}\n`;
  return `${facts}crc32 ${crc32(facts).toString(16).padStart(8, '0')}\n`;
}

/** Makes a new member. FORMAT comes first, so that a crash in between leaves a folder that can be begun again. */
async function begin(path: string, subfolders: readonly string[], prng: Prng): Promise<Identity> {
  for (const folder of subfolders) {
    if (await exists(folder)) {
      throw new DataDirError('DATA_DIR_UNREADABLE', path, `it has ${folder} but no FORMAT; restore that file`);
    }
  }
  const identity = randomIdentity(prng);
  const [temporary, final] = [join(path, 'FORMAT.new'), join(path, 'FORMAT')];
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(formatText(identity));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, final);
  await syncFolder(path);
  return identity;
}

// --- Folders ------------------------------------------------------------------------------------------------------

/** Makes a folder and what is above it, durably: a new name is only safe once the folder that has it is synced. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    await syncFolder(folder);
    if (folder === top || folder === dirname(folder)) return;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function checkAccess(path: string, logger: Logger): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & OTHERS_MODE) !== 0) {
    const fields = { path, mode: (mode & 0o777).toString(8) };
    logger.warn(fields, 'other users have access to the data folder; its mode should be 700');
  }
  await access(path, constants.R_OK | constants.X_OK).catch((error: Error) => {
    throw new DataDirError('DATA_DIR_UNREADABLE', path, error.message, { cause: error });
  });
  await access(path, constants.W_OK);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
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

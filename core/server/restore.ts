/** Backups: saving a snapshot to a file, looking at one, and making a new data folder of one. */
import { join } from 'node:path';
import type { Backend } from '../backend/backend.js';
import type { Clock } from '../base/clock.js';
import { DataDirError, InvalidArgumentError } from '../base/errors.js';
import { silentLogger } from '../base/logger.js';
import { type Prng, randomId } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { systemPrng } from '../base/system-prng.js';
import { writeMembership } from '../machine/membership-record.js';
import type { MemberInfo } from '../machine/types.js';
import type { Identity } from '../member/identity.js';
import type { Configuration } from '../raft/types.js';
import { type InstalledPosition, writeInstalledPosition } from '../snapshot/installed-position.js';
import { inspectSnapshot, readSnapshot, type SnapshotFacts } from '../snapshot/read-snapshot.js';
import type { Disk } from '../wal/disk.js';
import { Wal } from '../wal/wal.js';
import { orDataDirError } from './data-folder.js';
import { engineFolders } from './engine-folders.js';
import { makeFolder, renameDurably } from './folders.js';
import { writeFormat } from './format-file.js';
import { type Platform, thisMachine } from './platform.js';

/** The engine takes what is restored as fast as it comes; more than this waits. */
const OVERLAY_BYTES_MAX = 32 * 1024 * 1024;
/** How much of a snapshot file is read at a time. */
const CHUNK_BYTES = 64 * 1024;

/** What a snapshot file holds. */
export interface SnapshotStatus {
  /** SHA-256 of the file but for its last 32 bytes, which say the same; in hexadecimal. */
  readonly hash: string;
  /** The store's revision. */
  readonly revision: number;
  /** Records of all kinds; every revision of a key that is not compacted counts (as in etcd's `snapshot status`). */
  readonly totalKeys: number;
  /** Bytes of the file. */
  readonly totalSizeBytes: number;
  /** The last entry of the log that it holds, and its term. */
  readonly index: number;
  readonly term: number;
  /** The cluster's members at that point. */
  readonly members: readonly MemberInfo[];
}

export interface RestoreOptions {
  /** The snapshot, as {@link saveSnapshot} wrote it. */
  readonly file: string;
  /** Where the new member is to live: a folder that does not exist yet, or is empty. */
  readonly dataDir: string;
  /** Who the new member is. */
  readonly identity: Identity;
  /** All members of the new cluster. Each of them restores the same file with the same members. */
  readonly members: readonly MemberInfo[];
  readonly configuration: Configuration;
  /** Restore also where the hash is wrong or missing: for a backup that is all there is. Default: false. */
  readonly skipHashCheck?: boolean;
}

/**
 * Writes a snapshot to a file, which gets its name only once it is whole, checked and durable. A file of that name is
 * replaced.
 *
 * @throws {@link SnapshotDamagedError} if what came is not a whole snapshot; no file is left behind
 * @throws what the chunks, or the file system, fail with
 */
export async function saveSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  { disk }: Pick<Platform, 'disk'> = thisMachine,
): Promise<SnapshotStatus> {
  const part = `${path}.part`;
  try {
    const status = await writeWhole(disk, part, chunks);
    await renameDurably(disk, part, path);
    return status;
  } catch (error) {
    await disk.removeTree(part);
    throw error;
  }
}

async function writeWhole(disk: Disk, path: string, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotStatus> {
  const file = await disk.create(path);
  try {
    let offset = 0;
    const facts = await inspectSnapshot(
      passing(chunks, async (chunk) => {
        await file.write(chunk, offset);
        offset += chunk.length;
      }),
    );
    await file.sync();
    return statusOf(facts);
  } finally {
    await file.close();
  }
}

/**
 * Reads a snapshot file through, and says what it holds.
 *
 * @throws {@link SnapshotDamagedError}, {@link SnapshotNewerError} if it is not a whole snapshot that this version reads
 * @throws {@link InvalidArgumentError} if the file cannot be read
 */
export async function snapshotStatus(file: string): Promise<SnapshotStatus> {
  return statusOf(await inspectSnapshot(chunksOf(thisMachine.disk, file)));
}

/**
 * Makes a data folder for a member of a new cluster, which begins with what a snapshot holds: the keys with their
 * history, and the leases. The members are the new cluster's, and no id counts as removed.
 *
 * @throws {@link DataDirError} `DATA_DIR_NOT_EMPTY` if there is something in the folder already
 * @throws {@link SnapshotDamagedError}, {@link SnapshotNewerError}, and {@link InvalidArgumentError} if the file cannot be
 * read; whatever is thrown, nothing is left behind
 */
export function restoreSnapshot(options: RestoreOptions): Promise<SnapshotStatus> {
  return restoreSnapshotOn({ platform: thisMachine, clock: systemClock, prng: systemPrng }, options);
}

/** Where a snapshot is restored. */
export interface RestoreSurroundings {
  readonly platform: Pick<Platform, 'disk' | 'lock' | 'openEngine'>;
  readonly clock: Clock;
  readonly prng: Prng;
}

/** As {@link restoreSnapshot}, somewhere else than on this machine. */
export async function restoreSnapshotOn(
  surroundings: RestoreSurroundings,
  options: RestoreOptions,
): Promise<SnapshotStatus> {
  const { disk } = surroundings.platform;
  const { dataDir } = options;
  return orDataDirError(dataDir, async () => {
    await refuseFull(disk, dataDir);
    const made = await makeFolder(disk, dataDir);
    try {
      return await restoreInto(surroundings, options);
    } catch (error) {
      await clear(disk, dataDir, made);
      throw error;
    }
  });
}

async function restoreInto(surroundings: RestoreSurroundings, options: RestoreOptions): Promise<SnapshotStatus> {
  const { platform } = surroundings;
  const { dataDir, identity } = options;
  const lock = await platform.lock(dataDir, surroundings);
  try {
    const status = await fillEngine(surroundings, options);
    await beginLog(surroundings, dataDir, status);
    // Last, so that a folder that is not complete is nobody's.
    await writeFormat(platform.disk, dataDir, identity);
    return status;
  } finally {
    await lock.release();
  }
}

async function fillEngine(
  { platform, clock }: RestoreSurroundings,
  { file, dataDir, ...options }: RestoreOptions,
): Promise<SnapshotStatus> {
  const { disk } = platform;
  const { current: path } = engineFolders(dataDir);
  await makeFolder(disk, path);
  const backend = await platform.openEngine({ path, overlayBytesMax: OVERLAY_BYTES_MAX, clock });
  try {
    const facts = await readSnapshot(chunksOf(disk, file), { backend }, { skipHashCheck: options.skipHashCheck });
    const members = [...options.members].sort((a, b) => (a.id < b.id ? -1 : 1));
    replaceMembers(backend, facts.position, { ...options, members });
    await backend.flush();
    return statusOf({ ...facts, members });
  } finally {
    await backend.close();
    await disk.syncDirectory(path);
  }
}

function replaceMembers(
  backend: Backend,
  position: InstalledPosition,
  { configuration, members }: Pick<RestoreOptions, 'configuration' | 'members'>,
): void {
  backend.write((batch) => {
    writeMembership(batch, { configuration, members, removed: [] });
    writeInstalledPosition(batch, position);
  });
}

/** The log goes on where the snapshot ends, in its term, in which nobody has voted yet. */
async function beginLog(
  { platform, prng }: RestoreSurroundings,
  dataDir: string,
  { index, term }: SnapshotStatus,
): Promise<void> {
  const { wal } = await Wal.open({
    disk: platform.disk,
    path: join(dataDir, 'wal'),
    logger: silentLogger,
    newLogId: () => randomId(prng),
  });
  try {
    await wal.reset({ index, term }, { term, votedFor: 0n, commitIndex: index });
  } finally {
    await wal.close();
  }
}

async function refuseFull(disk: Disk, path: string): Promise<void> {
  if (!(await disk.exists(path)) || (await disk.list(path)).length === 0) return;
  throw new DataDirError('DATA_DIR_NOT_EMPTY', path, 'a snapshot is restored into a new or an empty folder only');
}

/** Leaves no more than there was before the topmost folder was made that had to be, if any. */
async function clear(disk: Disk, path: string, made: string | undefined): Promise<void> {
  if (made !== undefined) return disk.removeTree(made);
  for (const name of await disk.list(path)) await disk.removeTree(join(path, name));
}

async function* chunksOf(disk: Disk, path: string): AsyncGenerator<Uint8Array> {
  try {
    const file = await disk.open(path, 'read');
    try {
      for (let offset = 0; ; offset += CHUNK_BYTES) {
        const chunk = await file.read(offset, CHUNK_BYTES);
        if (chunk.length === 0) return;
        yield chunk;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    // What its reader throws does not come through here; only what the system says of the file.
    throw new InvalidArgumentError('file', path, `a snapshot file that can be read: ${(error as Error).message}`);
  }
}

async function* passing(
  chunks: AsyncIterable<Uint8Array>,
  visit: (chunk: Uint8Array) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    await visit(chunk);
    yield chunk;
  }
}

function statusOf(facts: SnapshotFacts & { readonly members: readonly MemberInfo[] }): SnapshotStatus {
  const { position, revision, recordCount, sizeBytes, checksum, members } = facts;
  const { index, term } = position;
  const hash = Buffer.from(checksum).toString('hex');
  return { hash, revision, totalKeys: recordCount, totalSizeBytes: sizeBytes, index, term, members };
}

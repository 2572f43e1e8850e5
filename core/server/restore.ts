/** Backups: saving a snapshot to a file, looking at one, and making a new data folder of one. */
import { createReadStream } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend } from '../backend/backend.js';
import { DataDirError, InvalidArgumentError } from '../base/errors.js';
import { silentLogger } from '../base/logger.js';
import { writeMembership } from '../machine/membership-record.js';
import type { MemberInfo } from '../machine/types.js';
import type { Identity } from '../member/identity.js';
import type { Configuration } from '../raft/types.js';
import { type InstalledPosition, writeInstalledPosition } from '../snapshot/installed-position.js';
import { inspectSnapshot, readSnapshot, type SnapshotFacts } from '../snapshot/read-snapshot.js';
import { nodeDisk } from '../wal/node-disk.js';
import { Wal } from '../wal/wal.js';
import { orDataDirError } from './data-folder.js';
import { lockDataFolder } from './data-lock.js';
import { engineFolders } from './engine-folders.js';
import { exists, makeFolder, removeFolder, renameDurably, syncFolder } from './folders.js';
import { writeFormat } from './format-file.js';
import { systemPrng } from './system-prng.js';

/** The engine takes what is restored as fast as it comes; more than this waits. */
const OVERLAY_BYTES_MAX = 32 * 1024 * 1024;

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
export async function saveSnapshot(chunks: AsyncIterable<Uint8Array>, path: string): Promise<SnapshotStatus> {
  const part = `${path}.part`;
  const file = await open(part, 'w', 0o600);
  try {
    const status = statusOf(
      await inspectSnapshot(
        passing(chunks, async (chunk) => {
          for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
        }),
      ),
    );
    await file.sync();
    await file.close();
    await renameDurably(part, path);
    return status;
  } catch (error) {
    await file.close();
    await rm(part, { force: true });
    throw error;
  }
}

/**
 * Reads a snapshot file through, and says what it holds.
 *
 * @throws {@link SnapshotDamagedError}, {@link SnapshotNewerError} if it is not a whole snapshot that this version reads
 * @throws {@link InvalidArgumentError} if the file cannot be read
 */
export async function snapshotStatus(file: string): Promise<SnapshotStatus> {
  return statusOf(await inspectSnapshot(chunksOf(file)));
}

/**
 * Makes a data folder for a member of a new cluster, which begins with what a snapshot holds: the keys with their
 * history, and the leases. The members are the new cluster's, and no id counts as removed.
 *
 * @throws {@link DataDirError} `DATA_DIR_NOT_EMPTY` if there is something in the folder already
 * @throws {@link SnapshotDamagedError}, {@link SnapshotNewerError}, and {@link InvalidArgumentError} if the file cannot be
 * read; whatever is thrown, nothing is left behind
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<SnapshotStatus> {
  const { dataDir } = options;
  return orDataDirError(dataDir, async () => {
    await refuseFull(dataDir);
    const made = await makeFolder(dataDir);
    try {
      return await restoreInto(options);
    } catch (error) {
      await clear(dataDir, made);
      throw error;
    }
  });
}

async function restoreInto({ file, dataDir, ...options }: RestoreOptions): Promise<SnapshotStatus> {
  const lock = await lockDataFolder(dataDir, systemPrng());
  try {
    const status = await fillEngine(file, dataDir, options);
    await beginLog(dataDir, status);
    // Last, so that a folder that is not complete is nobody's.
    await writeFormat(dataDir, options.identity);
    return status;
  } finally {
    await lock.release();
  }
}

type EngineOptions = Pick<RestoreOptions, 'configuration' | 'members' | 'skipHashCheck'>;

/** LMDB is loaded only by those who have a folder. */
async function fillEngine(file: string, dataDir: string, options: EngineOptions): Promise<SnapshotStatus> {
  const { openLmdbBackend } = await import('../backend/lmdb-backend.js');
  const { current: path } = engineFolders(dataDir);
  await makeFolder(path);
  const backend = openLmdbBackend({ path, overlayBytesMax: OVERLAY_BYTES_MAX });
  try {
    const facts = await readSnapshot(chunksOf(file), { backend }, { skipHashCheck: options.skipHashCheck });
    const members = [...options.members].sort((a, b) => (a.id < b.id ? -1 : 1));
    replaceMembers(backend, facts.position, { ...options, members });
    await backend.flush();
    return statusOf({ ...facts, members });
  } finally {
    await backend.close();
    await syncFolder(path);
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
async function beginLog(dataDir: string, { index, term }: SnapshotStatus): Promise<void> {
  const { wal } = await Wal.open({ disk: nodeDisk, path: join(dataDir, 'wal'), logger: silentLogger });
  try {
    await wal.reset({ index, term }, { term, votedFor: 0n, commitIndex: index });
  } finally {
    await wal.close();
  }
}

async function refuseFull(path: string): Promise<void> {
  if (!(await exists(path)) || (await readdir(path)).length === 0) return;
  throw new DataDirError('DATA_DIR_NOT_EMPTY', path, 'a snapshot is restored into a new or an empty folder only');
}

/** Leaves no more than there was before the topmost folder was made that had to be, if any. */
async function clear(path: string, made: string | undefined): Promise<void> {
  if (made !== undefined) return removeFolder(made);
  for (const name of await readdir(path)) await removeFolder(join(path, name));
}

async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  } catch (error) {
    // What its reader throws does not come through here; only what the system says of the file.
    throw new InvalidArgumentError('file', file, `a snapshot file that can be read: ${(error as Error).message}`);
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

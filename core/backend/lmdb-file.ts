/**
 * The file of an LMDB database, as it is looked at before LMDB opens it:
 *
 * ```
 * page 0, page 1   the meta pages: each the root of one transaction; the later one counts
 * page 2 ...       what those two transactions hold, and pages that are free
 * ```
 */
import { closeSync, existsSync, fdatasyncSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DataDirError } from '../base/errors.js';

const DATA_FILE = 'data.mdb';

const META_PAGE_COUNT = 2;
const PAGE_BYTES_MIN = 4096;
/** LMDB knows no larger ones. */
const PAGE_BYTES_MAX = 65_536;
const MAGIC_OFFSET = 24;
const MAGIC = 0xbeefc0de;
const VERSION_OFFSET = 28;
const VERSION = 2;
const PAGE_BYTES_OFFSET = 48;
const HEADER_BYTES = 52;

/** @param path - the database's folder */
export function dataFileOf(path: string): string {
  return join(path, DATA_FILE);
}

/**
 * Checks that the file is a database, for LMDB's binding crashes the process where it should refuse one that is none; and
 * makes its meta pages durable. One that is not there, or empty, is left to LMDB.
 *
 * What the system shows of a meta page may not be on the disk: its last write failed, or was under way when its process
 * ended. Either way it names a whole transaction, for LMDB writes it only once that one's pages are synced. But LMDB goes on
 * from the transaction that it sees, and writes over pages that this one does not need; so it must be the one that a power
 * cut would bring back. Therefore the meta pages are written and synced once more, as the log's last group is (Rebello et al.
 * 2020, "Can applications recover from fsync failures?").
 *
 * @throws {@link DataDirError} if it is no database, is damaged, or a later version of LMDB wrote it
 * @throws the system's error if it cannot be read or written
 */
export function settleDataFile(path: string): void {
  const file = dataFileOf(path);
  const sizeBytes = existsSync(file) ? statSync(file).size : 0;
  if (sizeBytes === 0) return;
  const descriptor = openSync(file, 'r+');
  try {
    const header = readAt(descriptor, HEADER_BYTES);
    assertIsDatabase(path, header, sizeBytes);
    const metaPages = readAt(descriptor, META_PAGE_COUNT * header.readUInt32LE(PAGE_BYTES_OFFSET));
    writeSync(descriptor, metaPages, 0, metaPages.length, 0);
    fdatasyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function assertIsDatabase(path: string, header: Buffer, sizeBytes: number): void {
  if (sizeBytes < META_PAGE_COUNT * PAGE_BYTES_MIN || header.readUInt32LE(MAGIC_OFFSET) !== MAGIC) {
    throw new DataDirError('DATA_DIR_UNREADABLE', path, `${DATA_FILE} is not a database, or is damaged`);
  }
  const version = header.readUInt16LE(VERSION_OFFSET);
  if (version !== VERSION) {
    const why = `${DATA_FILE} is of version ${version}; this build reads ${VERSION}`;
    throw new DataDirError(version > VERSION ? 'DATA_DIR_NEWER_FORMAT' : 'DATA_DIR_UNREADABLE', path, why);
  }
  const pageBytes = header.readUInt32LE(PAGE_BYTES_OFFSET);
  if (pageBytes < PAGE_BYTES_MIN || pageBytes > PAGE_BYTES_MAX || META_PAGE_COUNT * pageBytes > sizeBytes) {
    const why = `${DATA_FILE} is damaged: it says that its pages have ${pageBytes} bytes, and has ${sizeBytes}`;
    throw new DataDirError('DATA_DIR_UNREADABLE', path, why);
  }
}

/** The first bytes of a file; zeros where it ends before. */
function readAt(descriptor: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  readSync(descriptor, bytes, { position: 0 });
  return bytes;
}

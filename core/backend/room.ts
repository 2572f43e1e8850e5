import { statfsSync } from 'node:fs';
import { DataDirError } from '../base/errors.js';

/** What a transaction may take on disk beyond twice its data: pages on the way to what it changes. */
const RESERVE_BYTES = 4 * 1024 * 1024;

/**
 * Refuses a transaction that the disk might not hold. LMDB is not asked: what it does when a write fails can damage the
 * process, and it does not tell a full disk from a broken one.
 *
 * @throws {@link DataDirError}
 */
export function assertRoom(path: string, dataBytes: number, freeBytes: (path: string) => number): void {
  const needed = 2 * dataBytes + RESERVE_BYTES;
  const free = freeBytes(path);
  if (free < needed) {
    throw new DataDirError(
      'DATA_DIR_FULL',
      path,
      `there is no room left: ${free} bytes are free, ${needed} are needed`,
    );
  }
}

/**
 * Refuses work that would take the room that others need.
 *
 * @param keptFreeBytes - what they need
 * @throws {@link DataDirError}
 */
export function assertRoomBeside(path: string, dataBytes: number, freeBytes: number, keptFreeBytes: number): void {
  if (freeBytes >= dataBytes + keptFreeBytes) return;
  const why = `there is not enough room for a second engine: ${freeBytes} bytes are free, ${dataBytes} are needed, and ${keptFreeBytes} must stay free`;
  throw new DataDirError('DATA_DIR_FULL', path, why);
}

/** How many bytes this process may still write where a path lies; no limit where that is not known. */
export function freeBytesAt(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

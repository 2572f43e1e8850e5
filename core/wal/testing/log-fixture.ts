import { toBytes, toText } from '../../base/bytes.js';
import { silentLogger } from '../../base/logger.js';
import type { Entry, HardState } from '../../raft/types.js';
import type { Disk } from '../disk.js';
import { type OpenedWal, Wal, type WalOptions } from '../wal.js';

export const LOG = '/log';

export function openLog(
  disk: Disk,
  options: Partial<Pick<WalOptions, 'segmentBytes' | 'logger' | 'durableIndex' | 'durableTerm' | 'snapshot'>> = {},
): Promise<OpenedWal> {
  return Wal.open({
    disk,
    path: LOG,
    segmentBytes: 64 * 1024,
    logger: silentLogger,
    newLogId: () => 0xfeedn,
    ...options,
  });
}

export function entry(index: number, term = 1, data = `entry ${index}`): Entry {
  return { index, term, data: toBytes(data) };
}

/** The entries of [first, last], of one term. */
export function entriesOf(first: number, last: number, term = 1): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, position) => entry(first + position, term));
}

export function hardState(term: number, commitIndex = 0, votedFor = 7n): HardState {
  return { term, votedFor, commitIndex };
}

/** Entries as text, to be compared and read: index, term and data. */
export function shown(entries: readonly Entry[]): string[] {
  return entries.map(({ index, term, data }) => `${index}@${term} ${toText(data)}`);
}

import { compareBytes } from '../base/bytes.js';
import type { KeyValue } from '../base/key-value.js';
import type { RangeRequest, SortTarget } from '../base/operation.js';
import type { KeyVersion } from './key-version.js';

/** Whether keys, which are found in ascending order, must be sorted to be in the order that was asked for. */
export function needsSort({ sortTarget = 'key', sortOrder = 'none' }: RangeRequest): boolean {
  return sortTarget !== 'key' || sortOrder === 'descend';
}

/**
 * Sorts in place. Another target than the key with no order given is ascending, as in etcd. Those that are equal stay
 * in key order.
 *
 * @param versions - with their version and create revision known, and their values where they are sorted by value
 */
export function sortVersions(versions: KeyVersion[], { sortTarget = 'key', sortOrder = 'none' }: RangeRequest): void {
  const compare = COMPARE[sortTarget];
  versions.sort(sortOrder === 'descend' ? (a, b) => compare(b, a) : compare);
}

const COMPARE: Readonly<Record<SortTarget, (a: KeyVersion, b: KeyVersion) => number>> = {
  key: (a, b) => (a.key < b.key ? -1 : 1),
  version: (a, b) => a.version - b.version,
  createRevision: (a, b) => a.createRevision - b.createRevision,
  modRevision: (a, b) => a.main - b.main,
  value: (a, b) => compareBytes(valueOf(a), valueOf(b)),
};

function valueOf(version: KeyVersion): Uint8Array {
  return (version.kv as KeyValue).value;
}

import { EMPTY_BYTES, fromMapKey } from '../base/bytes.js';
import type { KeyRange, KeyValue } from '../base/key-value.js';
import type { RangePage, RangePageRequest } from '../base/operation.js';
import type { KeyVersion } from './key-version.js';
import { loadKeyValue, type RevisionReading } from './reading.js';

/**
 * Answers a request for a part of a range.
 *
 * @param revision - the store's, for the answer; which revision is read is the reading's matter
 */
export function evaluatePage(request: RangePageRequest, reading: RevisionReading, revision: number): RangePage {
  const kvs: KeyValue[] = [];
  let count = 0;
  let bytes = 0;
  const visit = (version: KeyVersion): boolean => {
    if (request.keysMax > 0) {
      if (kvs.length === request.keysMax) return false;
      const kv = answer(request, loadKeyValue(reading.records, version));
      bytes += kv.key.length + kv.value.length;
      if (kvs.length > 0 && bytes > request.bytesMax) return false;
      kvs.push(kv);
    }
    count += 1;
    return true;
  };
  const next = visitPart(request, reading, request.visitsMax, visit);
  return { revision, kvs, count, ...(next !== undefined && { next: fromMapKey(next) }) };
}

function visitPart(
  { key, end }: KeyRange,
  { index, revision }: RevisionReading,
  visitsMax: number,
  visit: (version: KeyVersion) => boolean,
): string | undefined {
  if (end !== undefined) return index.visitPart({ key, end }, { revision, visitsMax }, visit);
  index.visit({ key }, revision, visit);
  return undefined;
}

function answer({ keysOnly }: RangePageRequest, kv: KeyValue): KeyValue {
  return keysOnly ? { ...kv, value: EMPTY_BYTES } : kv;
}

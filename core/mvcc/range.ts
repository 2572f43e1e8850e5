import { EMPTY_BYTES } from '../base/bytes.js';
import type { KeyValue } from '../base/key-value.js';
import type { RangeRequest, RangeResult } from '../base/operation.js';
import type { KeyVersion } from './key-version.js';
import type { Reading } from './reading.js';
import { needsSort, sortVersions } from './sort.js';

/**
 * Answers a range request.
 *
 * @param revision - the store's, for the answer; which revision is read is the reading's matter
 */
export function evaluateRange(request: RangeRequest, reading: Reading, revision: number): RangeResult {
  const limit = request.limit && request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
  const isPlain = !needsSort(request) && !hasFilters(request);
  const keep = request.countOnly ? 0 : isPlain ? limit : Number.POSITIVE_INFINITY;
  let count = 0;
  let found: KeyVersion[] = [];
  reading.visit(request, (version) => {
    count += 1;
    if (found.length < keep) found.push(version);
  });
  if (request.countOnly) return { type: 'range', revision, kvs: [], count, more: false };

  if (!isPlain) found = arrange(request, found, reading);
  const more = (isPlain ? count : found.length) > limit;
  if (found.length > limit) found.length = limit;
  return { type: 'range', revision, kvs: found.map((version) => answer(request, version, reading)), count, more };
}

function hasFilters(request: RangeRequest): boolean {
  return Boolean(
    request.minModRevision || request.maxModRevision || request.minCreateRevision || request.maxCreateRevision,
  );
}

function arrange(request: RangeRequest, found: readonly KeyVersion[], reading: Reading): KeyVersion[] {
  const isByValue = request.sortTarget === 'value';
  const passing = found
    .map((version) => (isByValue || version.version === 0 ? read(version, reading) : version))
    .filter((version) => passes(request, version));
  if (needsSort(request)) sortVersions(passing, request);
  return passing;
}

function read(version: KeyVersion, reading: Reading): KeyVersion {
  const kv = reading.load(version);
  return {
    key: version.key,
    main: version.main,
    sub: version.sub,
    createRevision: kv.createRevision,
    version: kv.version,
    kv,
  };
}

/** Bounds are inclusive; 0 is no bound. */
function passes(request: RangeRequest, { main, createRevision }: KeyVersion): boolean {
  return (
    !(request.maxModRevision && main > request.maxModRevision) &&
    !(request.minModRevision && main < request.minModRevision) &&
    !(request.maxCreateRevision && createRevision > request.maxCreateRevision) &&
    !(request.minCreateRevision && createRevision < request.minCreateRevision)
  );
}

function answer(request: RangeRequest, version: KeyVersion, reading: Reading): KeyValue {
  const kv = reading.load(version);
  return request.keysOnly ? { ...kv, value: EMPTY_BYTES } : kv;
}

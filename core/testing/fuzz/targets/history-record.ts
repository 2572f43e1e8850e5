import { assert, InvariantError } from '../../../base/assert.js';
import type { KeyValue } from '../../../base/key-value.js';
import { encodeRecord, RecordReader } from '../../../mvcc/record.js';
import type { Chance } from '../chance.js';
import { codecTarget } from '../codec-target.js';

/** At this revision the records are that are read: it is their key, and not in them. */
const REVISION = 2 ** 52;

function drawKeyValue(chance: Chance): KeyValue {
  const key = chance.bytes(300);
  if (chance.oneIn(4)) {
    return { key, value: Buffer.alloc(0), createRevision: 0, modRevision: REVISION, version: 0, lease: 0n };
  }
  const version = chance.oneIn(2) ? 1 : 1 + (chance.count() % 2 ** 40);
  const createRevision = version === 1 ? REVISION : REVISION - (chance.count() % 2 ** 51);
  const lease = chance.oneIn(2) ? 0n : chance.signedId();
  return { key, value: chance.bytes(800), createRevision, modRevision: REVISION, version, lease };
}

/** What one change did to one key. */
export const historyRecord = codecTarget('history-record', 'a change in the history of the keyspace', {
  draw: drawKeyValue,
  encode: encodeRecord,
  decode: (bytes) => new RecordReader(REVISION, bytes).keyValue,
  refusals: [InvariantError],
  assertRight: ({ version, createRevision }) => {
    assert(Number.isSafeInteger(version) && Number.isSafeInteger(createRevision), 'its numbers are whole and exact');
    assert(createRevision >= 0, 'it was created at a revision that there is');
  },
  isLenient: true,
});

import { InvariantError } from '../../../base/assert.js';
import { decodeLeaseId, decodeLeaseRecord, encodeLeaseId, encodeLeaseRecord } from '../../../lease/lease-record.js';
import { codecTarget } from '../codec-target.js';

const ID_BYTES = 8;

/** A lease in the state: eight bytes of its key, then its record. */
export const leaseRecord = codecTarget('lease-record', 'a lease in the state, its key and its record', {
  draw: (chance) => ({ id: chance.signedId(), ttlSeconds: chance.count() % 2 ** 48 }),
  encode: ({ id, ttlSeconds }) => Buffer.concat([encodeLeaseId(id), encodeLeaseRecord(ttlSeconds)]),
  decode: (bytes) => ({
    id: decodeLeaseId(bytes.subarray(0, ID_BYTES)),
    ttlSeconds: decodeLeaseRecord(bytes.subarray(ID_BYTES)),
  }),
  refusals: [InvariantError],
});

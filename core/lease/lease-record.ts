/**
 * The bytes of the table 'lease'. Its keys are the ids as 8 bytes, big-endian; a record is one byte of version and the
 * granted TTL in seconds as 6 bytes, big-endian. Which keys live by a lease is in their own records, and deadlines are in
 * no record: only the leader knows them.
 */
import { assert } from '../base/assert.js';
import { asBuffer } from '../base/bytes.js';
import type { LeaseId } from '../base/key-value.js';

const VERSION = 1;
const ID_BYTES = 8;
const TTL_BYTES = 6;
const RECORD_BYTES = 1 + TTL_BYTES;

export function encodeLeaseId(id: LeaseId): Uint8Array {
  const bytes = Buffer.allocUnsafe(ID_BYTES);
  bytes.writeBigInt64BE(id);
  return bytes;
}

/** @throws {@link InvariantError} if the bytes are no lease's id */
export function decodeLeaseId(bytes: Uint8Array): LeaseId {
  assert(bytes.length === ID_BYTES, 'the key of a lease record is 8 bytes long');
  return asBuffer(bytes).readBigInt64BE();
}

export function encodeLeaseRecord(ttlSeconds: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(RECORD_BYTES);
  bytes[0] = VERSION;
  bytes.writeUIntBE(ttlSeconds, 1, TTL_BYTES);
  return bytes;
}

/**
 * @returns the granted TTL in seconds
 * @throws {@link InvariantError} if the record is of a form that this version does not know
 */
export function decodeLeaseRecord(bytes: Uint8Array): number {
  assert(bytes[0] === VERSION, 'a lease record has a version that this program knows');
  assert(bytes.length === RECORD_BYTES, 'a lease record is 7 bytes long');
  return asBuffer(bytes).readUIntBE(1, TTL_BYTES);
}

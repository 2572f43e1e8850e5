import type { Batch, View } from '../backend/backend.js';
import { assert } from '../base/assert.js';
import { asBuffer } from '../base/bytes.js';

/** Under which key of the table `meta` the position is kept. */
const KEY: Uint8Array = Buffer.from('machine.applied');
const VERSION = 2;
const NUMBER_BYTES = 8;
const RECORD_BYTES = 1 + 3 * NUMBER_BYTES;

/** The last entry of the log whose effects the state holds. Index 0: none. */
export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
  /** The running hash of all that was applied up to there. */
  readonly hash: number;
}

/**
 * @throws {@link InvariantError} if the record is of a form that this version does not know
 */
export function readAppliedPosition(view: View): AppliedPosition {
  const record = view.get('meta', KEY);
  if (record === undefined) return { index: 0, term: 0, hash: 0 };
  assert(record[0] === VERSION, 'the applied position has a version that this program knows');
  assert(record.length === RECORD_BYTES, 'the record of the applied position is 25 bytes long');
  const bytes = asBuffer(record);
  const [index, term, hash] = [0, 1, 2].map((at) => bytes.readDoubleBE(1 + at * NUMBER_BYTES)) as [
    number,
    number,
    number,
  ];
  assert(isCount(index) && isCount(term) && isCount(hash), 'the applied position has numbers that are whole and exact');
  return { index, term, hash };
}

/** One byte of version, then index, term and hash as 8 bytes each: a record of its own each time, as a batch keeps it. */
export function writeAppliedPosition(batch: Batch, { index, term, hash }: AppliedPosition): void {
  const record = Buffer.allocUnsafe(RECORD_BYTES);
  record[0] = VERSION;
  record.writeDoubleBE(index, 1);
  record.writeDoubleBE(term, 1 + NUMBER_BYTES);
  record.writeDoubleBE(hash, 1 + 2 * NUMBER_BYTES);
  batch.put('meta', KEY, record);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

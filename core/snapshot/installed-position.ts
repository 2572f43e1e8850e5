import type { Batch, View } from '../backend/backend.js';
import { assert } from '../base/assert.js';
import { asBuffer, equalBytes } from '../base/bytes.js';
import type { Table } from '../backend/backend.js';

/** Under which key of the table `meta` an engine remembers the last snapshot that it was filled from. */
const KEY: Uint8Array = Buffer.from('snapshot.installed');
const VERSION = 1;
const RECORD_BYTES = 1 + 8 + 8;

/** The last entry that the snapshot held. */
export interface InstalledPosition {
  readonly index: number;
  readonly term: number;
}

/**
 * @returns `undefined` if the state has come from the log alone
 * @throws {@link InvariantError} if the record is of a form that this version does not know
 */
export function readInstalledPosition(view: View): InstalledPosition | undefined {
  const record = view.get('meta', KEY);
  if (record === undefined) return undefined;
  assert(record[0] === VERSION, "the installed snapshot's position has a version that this program knows");
  assert(record.length === RECORD_BYTES, "the installed snapshot's position is 17 bytes long");
  const bytes = asBuffer(record);
  const [index, term] = [bytes.readDoubleBE(1), bytes.readDoubleBE(9)];
  assert(isCount(index) && isCount(term), "the installed snapshot's position has numbers that are whole and exact");
  return { index, term };
}

/** By this a start knows a log that is older than the state; so it is written before the state is put in force. */
export function writeInstalledPosition(batch: Batch, { index, term }: InstalledPosition): void {
  const record = Buffer.alloc(RECORD_BYTES);
  record[0] = VERSION;
  record.writeDoubleBE(index, 1);
  record.writeDoubleBE(term, 9);
  batch.put('meta', KEY, record);
}

/** Whether a record is a member's own, and no part of the replicated state. */
export function isOwn(table: Table, key: Uint8Array): boolean {
  return table === 'meta' && equalBytes(key, KEY);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

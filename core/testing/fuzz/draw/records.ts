import type { Batch, Table, View } from '../../../backend/backend.js';
import { equalBytes } from '../../../base/bytes.js';

/** What a writer puts, its key and value. */
export function putBy(write: (batch: Batch) => void): { readonly key: Uint8Array; readonly value: Uint8Array } {
  let written: { readonly key: Uint8Array; readonly value: Uint8Array } | undefined;
  write({ put: (_table: Table, key, value) => (written = { key, value }), delete: () => {} });
  if (written === undefined) throw new Error('the writer put nothing');
  return written;
}

/** A view in which one record stands, under whatever table. */
export function viewOf(key: Uint8Array, value: Uint8Array): View {
  return { get: (_table, asked) => (equalBytes(asked, key) ? value : undefined), scan: () => [] };
}

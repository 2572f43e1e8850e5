import { kvCompact } from './cases/kv-compact.js';
import { kvCompare } from './cases/kv-compare.js';
import { kvDelete } from './cases/kv-delete.js';
import { kvPut } from './cases/kv-put.js';
import { kvRange } from './cases/kv-range.js';
import { kvTxn } from './cases/kv-txn.js';
import type { Topic } from './rule.js';

/** The whole table. */
export const TOPICS: readonly Topic[] = [kvCompact, kvRange, kvPut, kvDelete, kvTxn, kvCompare];

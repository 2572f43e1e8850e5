import type { Rehearsable } from '../../rehearsal.js';
import { alone } from '../crash.js';
import { COMPACTION } from './compaction.js';
import { DEFRAGMENTATION } from './defragmentation.js';
import { ENGINE } from './engine.js';
import { FAILED_SYNCS } from './failed-syncs.js';
import { LEASES } from './leases.js';
import { LIFE } from './life.js';
import { WRITES } from './writes.js';

/** What a member goes through that is alone. */
export const ALONE: readonly Rehearsable[] = [
  ...WRITES,
  ...LEASES,
  ...COMPACTION,
  ...ENGINE,
  ...DEFRAGMENTATION,
  ...FAILED_SYNCS,
  ...LIFE,
].map(alone);

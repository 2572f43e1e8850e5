import type { Scenario } from '../scenario.js';
import { COMPACTION } from './compaction.js';
import { ENGINE } from './engine.js';
import { LEASES } from './leases.js';
import { LIFE } from './life.js';
import { WRITES } from './writes.js';

/** Everything that a crash is let interrupt. */
export const SCENARIOS: readonly Scenario[] = [...WRITES, ...LEASES, ...COMPACTION, ...ENGINE, ...LIFE];

import { IN_A_CLUSTER } from './cluster/scenarios/all.js';
import { ALONE } from './member/scenarios/all.js';
import type { Rehearsable } from './rehearsal.js';

/** Everything that a crash is let interrupt. */
export const SCENARIOS: readonly Rehearsable[] = [...ALONE, ...IN_A_CLUSTER];

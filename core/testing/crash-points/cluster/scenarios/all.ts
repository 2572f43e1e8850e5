import type { Rehearsable } from '../../rehearsal.js';
import { inACluster } from '../crash.js';
import { MEMBERS } from './members.js';
import { REPLICATION } from './replication.js';
import { STATE } from './state.js';

/** What a member goes through among others. */
export const IN_A_CLUSTER: readonly Rehearsable[] = [...REPLICATION, ...STATE, ...MEMBERS].map(inACluster);

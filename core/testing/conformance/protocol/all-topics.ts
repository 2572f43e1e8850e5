import { authJwt } from './cases/auth-jwt.js';
import { authRights } from './cases/auth-rights.js';
import { authManagement } from './cases/auth.js';
import { carrier } from './cases/carrier.js';
import { cluster } from './cases/cluster.js';
import { elections } from './cases/election.js';
import { gateway } from './cases/gateway.js';
import { health } from './cases/health.js';
import { httpPaths } from './cases/http.js';
import { kvCompact } from './cases/kv-compact.js';
import { kvCompare } from './cases/kv-compare.js';
import { kvDelete } from './cases/kv-delete.js';
import { kvPut } from './cases/kv-put.js';
import { kvRange } from './cases/kv-range.js';
import { kvTxn } from './cases/kv-txn.js';
import { leases } from './cases/lease.js';
import { locks } from './cases/lock.js';
import { maintenance } from './cases/maintenance.js';
import { rangeStream } from './cases/range-stream.js';
import { watches } from './cases/watch.js';
import { minority } from './cases/minority.js';
import type { Topic } from './rule.js';

/** The whole table. */
export const TOPICS: readonly Topic[] = [
  maintenance,
  kvCompact,
  kvRange,
  rangeStream,
  kvPut,
  kvDelete,
  kvTxn,
  kvCompare,
  watches,
  leases,
  cluster,
  locks,
  elections,
  health,
  carrier,
  authManagement,
  authRights,
  authJwt,
  gateway,
  httpPaths,
  minority,
];

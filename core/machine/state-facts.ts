import type { View } from '../backend/backend.js';
import { readCompactRevision } from '../mvcc/compaction.js';
import { FIRST_REVISION } from '../mvcc/keyspace.js';
import { mainOf } from '../mvcc/revision.js';
import { readAppliedPosition } from './applied-position.js';
import { type MembershipState, readMembership } from './membership-record.js';

/** What a state says of itself, without a machine being opened over it, which takes time in proportion to its history. */
export interface StateFacts {
  /** The last entry that was applied; 0 if none was. */
  readonly index: number;
  readonly term: number;
  /** The running hash after that entry. */
  readonly hash: number;
  /** The store's newest revision. */
  readonly revision: number;
  readonly membership: MembershipState;
}

/** @throws {@link InvariantError} if a record is of a form that this version does not know */
export function readStateFacts(view: View): StateFacts {
  const [newest] = view.scan('history', { reverse: true, limit: 1 });
  const revision = Math.max(FIRST_REVISION, readCompactRevision(view), newest ? mainOf(newest[0]) : 0);
  return { ...readAppliedPosition(view), revision, membership: readMembership(view) };
}

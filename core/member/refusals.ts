import * as errors from '../base/errors.js';
import type { Refusal } from '../peer/types.js';

/** How each error that a leader answers comes back to life at the follower that asked. Its text is the leader's. */
const REVIVED: Readonly<Record<string, () => errors.CoordinationError>> = {
  NO_LEADER: () => new errors.NoLeaderError(),
  NOT_LEADER: () => new errors.MemberNotLeaderError(),
  LEADER_CHANGED: () => new errors.LeaderChangedError(),
  TOO_MANY_REQUESTS: () => new errors.TooManyRequestsError('', 0),
  REQUEST_TOO_LARGE: () => new errors.RequestTooLargeError(0, 0),
  TIMEOUT: () => new errors.TimeoutError('', 0),
  CLOSED: () => new errors.UnavailableError(''),
  LEASE_NOT_FOUND: () => new errors.LeaseNotFoundError(0n),
  OUTCOME_UNKNOWN: () => new errors.OutcomeUnknownError(''),
  MEMBER_NOT_FOUND: () => new errors.MemberNotFoundError(0n),
  PEER_URL_EXISTS: () => new errors.PeerUrlExistsError(''),
  INVALID_PEER_URLS: () => new errors.InvalidPeerUrlsError([]),
  NOT_ENOUGH_STARTED_MEMBERS: () => new errors.NotEnoughStartedMembersError(0, 0),
  UNHEALTHY_CLUSTER: () => new errors.UnhealthyClusterError(0, 0),
  CONFIGURATION_CHANGE_REFUSED: () => new errors.ConfigurationChangeError(''),
  MEMBER_NOT_LEARNER: () => new errors.MemberNotLearnerError(0n),
  LEARNER_NOT_READY: () => new errors.LearnerNotReadyError(0n),
  TOO_MANY_LEARNERS: () => new errors.TooManyLearnersError(0),
  INVALID_ARGUMENT: () => new errors.InvalidArgumentError('', '', ''),
};

/** What a follower is told of an error. One that is not of operation is the leader's own trouble, and no more is said. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof errors.CoordinationError) return { code: error.code, message: error.message };
  return { code: 'UNAVAILABLE', message: 'the leader could not answer' };
}

/** The error that a leader answered, of the same class as there. */
export function revive({ code, message }: Refusal): errors.CoordinationError {
  const error = REVIVED[code]?.() ?? new errors.UnavailableError('');
  error.message = message;
  return error;
}

/** Codes with which a member says that it does not lead, or does no more. */
const NOT_LEADING = new Set(['NO_LEADER', 'MEMBER_NOT_LEADER', 'LEADER_CHANGED', 'CLOSED', 'MEMBER_STOPPED']);

/** Whether it says only that somebody else must be asked, so that nothing was done. */
export function saysNotLeading(code: string): boolean {
  return NOT_LEADING.has(code);
}

/** What may come of members: of changing them, of being one, of what passes between them. */
import { CoordinationError, show } from './coordination-error.js';
import { InvalidArgumentError, MemberStoppedError, UnavailableError } from './request-errors.js';

// --- The members of a cluster -----------------------------------------------------------------------------------------

/** The cluster removed this member. It never comes back under its id; add a new one. */
export class MemberRemovedError extends MemberStoppedError {
  override readonly reason = 'removed';
  constructor(readonly memberId: bigint) {
    super(`member ${memberId.toString(16)} was removed from the cluster; its id is never used again`);
  }
}

/** The other members will not have this one: it belongs to another cluster, or its disk was wiped. */
export class MemberRefusedError extends MemberStoppedError {
  override readonly reason = 'refused';
  constructor(
    /** Why, as the handshake between members names it: `clusterMismatch`, `memberWiped`, ... */
    readonly refusal: string,
    why: string,
  ) {
    super(`the other members refuse it: ${why}`);
  }
}

/**
 * What this member applied differs from what the others did, so what it would answer is not true. Keep its data folder
 * for whoever looks for the cause, and replace the member.
 */
export class MemberDivergedError extends MemberStoppedError {
  override readonly reason = 'diverged';
  constructor(
    /** The last index at which its state was equal. */
    readonly afterIndex: number,
    /** The first index at which it was seen to differ. */
    readonly upToIndex: number,
  ) {
    super(`its state parted from the other members' after index ${afterIndex}, by index ${upToIndex}`);
  }
}

/** The cluster has no member of this id. */
export class MemberNotFoundError extends CoordinationError {
  readonly code = 'MEMBER_NOT_FOUND';
  readonly retry = 'never';
  constructor(readonly memberId: bigint) {
    super(`the cluster has no member ${memberId.toString(16)}`);
  }
}

/** Another member has this peer URL already. */
export class PeerUrlExistsError extends CoordinationError {
  readonly code = 'PEER_URL_EXISTS';
  readonly retry = 'never';
  constructor(readonly url: string) {
    super(`a member with the peer URL ${url} exists already`);
  }
}

/** The peer URLs given for a member are none, or not URLs of `http` or `https` with a host and a port. */
export class InvalidPeerUrlsError extends InvalidArgumentError {
  override readonly code = 'INVALID_PEER_URLS';
  constructor(urls: readonly string[]) {
    super('peerUrls', urls.join(','), 'one or more URLs such as http://10.0.0.1:2380, each once');
  }
}

/** After this change, the members that have ever started would not be a majority. Nothing was changed. */
export class NotEnoughStartedMembersError extends CoordinationError {
  readonly code = 'NOT_ENOUGH_STARTED_MEMBERS';
  readonly retry = 'never';
  constructor(
    readonly startedCount: number,
    readonly neededCount: number,
  ) {
    super(`the change would leave ${startedCount} started members where a majority is ${neededCount}`);
  }
}

/** The leader has not been in touch with a majority for long enough to change the members now. Nothing was changed. */
export class UnhealthyClusterError extends UnavailableError {
  override readonly code = 'UNHEALTHY_CLUSTER';
  constructor(connectedCount: number, neededCount: number) {
    super(`only ${connectedCount} of the ${neededCount} members that the change needs are connected and active`);
  }
}

/** The change of members cannot begin now, because another one is under way or the leader is new. Nothing was changed. */
export class ConfigurationChangeError extends UnavailableError {
  override readonly code = 'CONFIGURATION_CHANGE_REFUSED';
  constructor(why: string) {
    super(`the members cannot be changed now: ${why}`);
  }
}

/** Only a learner can be promoted. */
export class MemberNotLearnerError extends CoordinationError {
  readonly code = 'MEMBER_NOT_LEARNER';
  readonly retry = 'never';
  constructor(readonly memberId: bigint) {
    super(`member ${memberId.toString(16)} is no learner, so there is nothing to promote`);
  }
}

/** The learner lags too far behind the leader to be promoted. Try again when it has caught up. */
export class LearnerNotReadyError extends CoordinationError {
  readonly code = 'LEARNER_NOT_READY';
  readonly retry = 'safe';
  constructor(readonly memberId: bigint) {
    super(`learner ${memberId.toString(16)} has not caught up with the leader yet`);
  }
}

/** The cluster has as many learners as it may. Promote or remove one first. */
export class TooManyLearnersError extends CoordinationError {
  readonly code = 'TOO_MANY_LEARNERS';
  readonly retry = 'never';
  constructor(readonly limit: number) {
    super(`the cluster has ${limit} learners already, the most it may have`);
  }
}

/** This can be asked of the leader only, and this member does not lead. */
export class MemberNotLeaderError extends CoordinationError {
  readonly code = 'MEMBER_NOT_LEADER';
  readonly retry = 'never';
  constructor() {
    super('this member does not lead the cluster');
  }
}

/** Leadership can be handed only to another voting member. */
export class BadLeaderTransfereeError extends CoordinationError {
  readonly code = 'BAD_LEADER_TRANSFEREE';
  readonly retry = 'never';
  constructor(readonly memberId: bigint) {
    super(`leadership cannot be handed to ${memberId.toString(16)}, which is no voting member of the cluster`);
  }
}

/** A learner does not answer this. Ask a voting member. */
export class LearnerRefusesError extends CoordinationError {
  readonly code = 'LEARNER_REFUSES';
  readonly retry = 'never';
  constructor() {
    super('this member is a learner and answers serializable reads and its status only');
  }
}

// --- Between members --------------------------------------------------------------------------------------------------

/** A snapshot did not arrive at another member, which keeps nothing of it. Send it again. */
export class SnapshotTransferError extends CoordinationError {
  readonly code = 'SNAPSHOT_TRANSFER';
  readonly retry = 'safe';
  constructor(
    readonly memberId: bigint,
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`the snapshot between this member and ${memberId.toString(16)} was not taken over: ${why}`, options);
  }
}

/** A member did not tell which members its cluster has. Ask it again, or another one. */
export class PeerQueryError extends CoordinationError {
  readonly code = 'PEER_QUERY';
  readonly retry = 'safe';
  constructor(
    readonly url: string,
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`${url} did not tell the members of its cluster: ${why}`, options);
  }
}

/** What was to be the target of a downgrade is no version (etcd: "wrong downgrade target version format"). */
export class DowngradeVersionError extends CoordinationError {
  readonly code = 'WRONG_DOWNGRADE_VERSION';
  readonly retry = 'never';
  constructor(version: string) {
    super(`version is ${show(version)}; it must be as 3.5 or 3.5.0`);
  }
}

/** A cluster cannot be made one of that version. No member has ever had another (etcd: "invalid downgrade target version"). */
export class DowngradeTargetError extends CoordinationError {
  readonly code = 'INVALID_DOWNGRADE_TARGET';
  readonly retry = 'never';
  constructor(version: string) {
    super(`version is ${show(version)}; there is none that this cluster could be downgraded to`);
  }
}

/** A request asks for something that does not exist (etcd: "unknown method"). */
export class UnknownMethodError extends CoordinationError {
  readonly code = 'UNKNOWN_METHOD';
  readonly retry = 'never';
  constructor(what: string) {
    super(`${what} does not exist`);
  }
}

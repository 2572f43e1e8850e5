import type { Caller } from '../auth/types.js';
import type { Alarm, AlarmKind, AlarmRequest } from '../base/alarm.js';
import type { Clock } from '../base/clock.js';
import {
  type CoordinationError,
  DowngradeTargetError,
  InvalidArgumentError,
  LeaseTtlTooLargeError,
  type MemberStoppedError,
  UnavailableError,
} from '../base/errors.js';
import { type LeaseId, NO_LEASE } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type {
  DeleteRequest,
  DeleteResult,
  LeaseStatus,
  PutRequest,
  PutResult,
  RangePage,
  RangePageRequest,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from '../base/operation.js';
import { type Prng, randomId } from '../base/prng.js';
import type { MemberInfo } from '../machine/types.js';
import { isReadOnly, isSerializable } from '../mvcc/txn-plan.js';
import { validateDelete, validatePut, validateRange, validateTxn } from '../mvcc/validate.js';
import type { MemberId } from '../raft/types.js';
import { type Snapshot, takeSnapshot } from '../snapshot/take-snapshot.js';
import type { Watcher, WatchRequest } from '../watch/hub.js';
import { AuthCalls } from './auth-calls.js';
import { Callers } from './callers.js';
import { ClusterPart, type ClusterPartParts } from './cluster-part.js';
import { defragment } from './defragmentation.js';
import { assertIsVersion } from './downgrade.js';
import { hashKv, type KvHash } from './kv-hash.js';
import { Measures } from './measures.js';
import type { MembershipChange } from './membership-changes.js';
import { checkedPeerUrls } from './membership-rules.js';
import { maySeeLease, maySeeLeases } from './permissions.js';
import type { Replica } from './replica.js';
import type { State } from './state-store.js';
import { Watches } from './watches.js';

/** What a member is composed of. It owns the log, the backend and the way to the others from then on, and closes them. */
export interface MemberParts extends ClusterPartParts {
  /** Ends a member that is still waiting for its cluster to be one: `open` rejects then. */
  readonly signal?: AbortSignal | undefined;
}

/** How a member is, as it sees itself. */
export interface MemberStatus {
  /** Who leads, where that is known. */
  readonly leader: MemberId | undefined;
  readonly term: number;
  /** The last entry that is known to be committed. */
  readonly raftIndex: number;
  readonly appliedIndex: number;
  readonly sizeBytes: number;
  /** What of that is in use. */
  readonly usedBytes: number;
  /** How much may be in use; below 0: as much as there is. */
  readonly quotaBytes: number;
  readonly isLearner: boolean;
  /** What is wrong at present, in words. */
  readonly errors: readonly string[];
  /** What alarms are raised, as applied here. */
  readonly alarms: readonly Alarm[];
}

const LEASE_ID_MIN = -(2n ** 63n);
const LEASE_ID_MAX = 2n ** 63n - 1n;

/**
 * ONE member of a cluster, as everybody outside sees it: the keyspace, watches, leases, and the members. Any member takes
 * any request; what only the leader can do is asked of it. Every call is checked before anything is proposed.
 *
 * Whoever has the member itself is trusted with everything. For callers from outside there is {@link Member.callers}, which
 * names them in each call: then it answers only what they may have.
 *
 * It ends by `close()`, or by itself when it cannot keep a promise any more, such as after a failed sync, or when the
 * cluster removed it. Then writes under way fail with {@link OutcomeUnknownError}, everything else with
 * {@link MemberStoppedError}, and `stopped` says why.
 *
 * What every call may throw beside its own errors: {@link NoLeaderError}, {@link TimeoutError} and
 * {@link TooManyRequestsError}, after which nothing was done; a write also {@link OutcomeUnknownError}, and while an alarm
 * is raised {@link NoSpaceError} or {@link CorruptClusterError}; where an operator has set limits for keys, what reads or
 * writes them {@link RateLimitedError} and {@link PrefixQuotaExceededError}.
 */
export class Member {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  /** Resolves when the member has ended: with nothing if it was closed, with the reason if it failed. */
  readonly stopped: Promise<MemberStoppedError | undefined>;
  /** For metrics. */
  readonly measures: Measures;
  /** Users, roles and tokens. */
  readonly auth: AuthCalls;
  /** The member as those may use it who come from outside. */
  readonly callers: Callers;

  readonly #parts: MemberParts;
  readonly #cluster: ClusterPart;
  readonly #replica: Replica;
  readonly #watches: Watches;
  #closing: Promise<void> | undefined;

  private constructor(parts: MemberParts) {
    this.clusterId = parts.identity.clusterId;
    this.memberId = parts.identity.memberId;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.prng = parts.prng;
    this.#parts = parts;
    this.#cluster = new ClusterPart(parts);
    this.#replica = this.#cluster.replica;
    this.#watches = new Watches(this.#replica, parts.clock);
    this.measures = new Measures(this.memberId, this.#replica, this.#cluster.limits);
    this.auth = new AuthCalls(this.#replica, this.#cluster.auth);
    this.callers = new Callers(this, this.#replica, this.#cluster.auth);
    this.stopped = this.#replica.stopped;
  }

  /**
   * Starts a member; resolves when it knows a leader and has applied everything that was committed before, so that it may
   * serve. A member whose cluster has no majority yet waits for it without a limit.
   *
   * @throws {@link MemberRemovedError}, {@link MemberRefusedError} if the cluster will not have it; {@link ClosedError} if
   * `signal` aborted; the parts are closed then
   */
  static async open(parts: MemberParts): Promise<Member> {
    const member = new Member(parts);
    const abort = () => void member.#replica.close();
    parts.signal?.addEventListener('abort', abort, { once: true });
    try {
      if (parts.signal?.aborted) abort();
      await member.#cluster.start();
      return member;
    } catch (error) {
      await member.#replica.close();
      throw error;
    } finally {
      parts.signal?.removeEventListener('abort', abort);
    }
  }

  /** Raft's term. */
  get term(): number {
    return this.#replica.raft.term;
  }

  /** The store's revision as applied here. */
  get revision(): number {
    return this.#replica.state.machine.keyspace.revision;
  }

  /** Who leads, where that is known. */
  get leader(): MemberId | undefined {
    return this.#replica.raft.leader;
  }

  /** Whether this member only receives the log, without a vote. */
  get isLearner(): boolean {
    return this.#replica.raft.configuration.learners.includes(this.memberId);
  }

  /** The last entry of the log that is known to be committed. */
  get raftIndex(): number {
    return this.#replica.raft.commitIndex;
  }

  /** The last entry of the log that is applied here. */
  get appliedIndex(): number {
    return this.#replica.state.machine.appliedIndex;
  }

  /** @throws {@link CompactedError}, {@link FutureRevisionError} if the revision asked for cannot be read */
  async range(request: RangeRequest, caller?: Caller): Promise<RangeResult> {
    validateRange(request);
    const read = ({ machine }: State) => {
      if (caller !== undefined) machine.assertMay(caller, request);
      this.#cluster.limits.countRead(request);
      return machine.range(request);
    };
    return request.serializable ? this.#replica.readHere(read) : this.#replica.read(read);
  }

  /** A part of a range; see {@link RangePageRequest}. @throws as {@link Member.range} */
  async rangePage(request: RangePageRequest, caller?: Caller): Promise<RangePage> {
    const { key, end, revision } = request;
    const range: RangeRequest = { type: 'range', key, ...(end !== undefined && { end }), revision };
    validateRange(range);
    const read = ({ machine }: State) => {
      if (caller !== undefined) machine.assertMay(caller, range);
      if (!request.isContinued) this.#cluster.limits.countRead(range);
      return machine.rangePage(request);
    };
    return request.serializable ? this.#replica.readHere(read) : this.#replica.read(read);
  }

  /** @throws {@link LeaseNotFoundError}, {@link KeyNotFoundError} */
  put(request: PutRequest, caller?: Caller): Promise<PutResult> {
    return this.#cluster.refuse(request) ?? this.#replica.propose(request, validatePut, caller);
  }

  /** Deletes a key or a range in one revision. */
  delete(request: DeleteRequest, caller?: Caller): Promise<DeleteResult> {
    return this.#cluster.refuse(request) ?? this.#replica.propose(request, validateDelete, caller);
  }

  /** @throws what its operations would throw by themselves; nothing was changed then */
  async txn(request: TxnRequest, caller?: Caller): Promise<TxnResult> {
    const write = () => this.#cluster.refuse(request) ?? this.#replica.propose(request, validateTxn, caller);
    if (!isReadOnly(request)) return write();
    validateTxn(request);
    const read = ({ machine }: State) => {
      if (caller !== undefined) machine.assertMay(caller, request);
      this.#cluster.limits.countRead(request);
      return machine.readTxn(request);
    };
    return isSerializable(request) ? this.#replica.readHere(read) : this.#replica.read(read);
  }

  /**
   * Forgets what was overwritten or deleted up to `revision`.
   *
   * @param physical - wait until it is freed, durably
   * @throws {@link CompactedError}, {@link FutureRevisionError}
   */
  async compact(revision: number, physical: boolean, caller?: Caller): Promise<{ revision: number }> {
    if (!Number.isSafeInteger(revision)) throw new InvalidArgumentError('revision', revision, 'a whole number');
    const result = await this.#replica.propose({ type: 'compact', revision }, undefined, caller);
    this.#replica.scrub();
    if (physical) {
      await this.#replica.scrubbed();
      // There may be space again, and whoever waited for it will write at once.
      await this.#cluster.space.look();
    }
    return { revision: result.revision };
  }

  /**
   * @param id - 0 to have one chosen
   * @param ttlSeconds - raised to the least that is granted
   * @throws {@link LeaseExistsError}, {@link LeaseTtlTooLargeError}
   */
  async leaseGrant(
    id: LeaseId,
    ttlSeconds: number,
    caller?: Caller,
  ): Promise<{ revision: number; id: LeaseId; ttlSeconds: number }> {
    const { leaseTtlMinSeconds, leaseTtlMaxSeconds } = this.#parts.settings;
    if (!Number.isSafeInteger(ttlSeconds)) throw new InvalidArgumentError('ttl', ttlSeconds, 'whole seconds');
    if (ttlSeconds > leaseTtlMaxSeconds) throw new LeaseTtlTooLargeError(ttlSeconds, leaseTtlMaxSeconds);
    if (id < LEASE_ID_MIN || id > LEASE_ID_MAX) throw new InvalidArgumentError('lease', id, 'a signed 64-bit number');

    const command = {
      type: 'leaseGrant',
      id: id === NO_LEASE ? this.#freeLeaseId() : id,
      ttlSeconds: Math.max(ttlSeconds, leaseTtlMinSeconds),
    } as const;
    const refused = this.#cluster.space.refuse(command);
    if (refused !== undefined) return refused;
    const result = await this.#replica.propose(command, undefined, caller);
    this.#cluster.leases.granted(result.id);
    return { revision: result.revision, id: result.id, ttlSeconds: result.ttlSeconds };
  }

  /** Ends a lease; its keys are deleted in one revision. @throws {@link LeaseNotFoundError} */
  async leaseRevoke(id: LeaseId, caller?: Caller): Promise<{ revision: number }> {
    const result = await this.#replica.propose({ type: 'leaseRevoke', id }, undefined, caller);
    return { revision: result.revision };
  }

  /**
   * Renews a lease to its full TTL from now.
   *
   * @returns its TTL, 0 if it does not exist, and a revision that is not after its end
   */
  async leaseKeepAlive(id: LeaseId): Promise<{ revision: number; ttlSeconds: number }> {
    const { revision } = this;
    return { revision, ttlSeconds: await this.#cluster.renewals.keepAlive(id) };
  }

  /** What is left of a lease: below 0 if it does not exist. The leader alone knows. */
  async leaseTimeToLive(id: LeaseId, keys: boolean, caller?: Caller): Promise<LeaseStatus & { revision: number }> {
    const remainingMs = await this.#cluster.renewals.remainingMs(id).catch((error: CoordinationError) => {
      if (error.code === 'LEASE_NOT_FOUND') return undefined;
      throw error;
    });
    return this.#replica.read(({ machine }) => {
      if (caller !== undefined) maySeeLease(caller, id, keys)(machine);
      const { lessor } = machine;
      const { revision } = this;
      if (remainingMs === undefined || !lessor.has(id)) {
        return { id, grantedTtlSeconds: 0, remainingTtlSeconds: -1, keys: [], revision };
      }
      return {
        id,
        grantedTtlSeconds: lessor.ttlSeconds(id),
        // A lease that ran out a moment ago exists until its revocation is applied.
        remainingTtlSeconds: Math.max(0, Math.floor(remainingMs / 1_000)),
        keys: keys ? lessor.keys(id) : [],
        revision,
      };
    });
  }

  /** All leases that exist. */
  async leases(caller?: Caller): Promise<{ revision: number; ids: readonly LeaseId[] }> {
    return this.#replica.read(({ machine }) => {
      if (caller !== undefined) maySeeLeases(caller)(machine);
      return { revision: this.revision, ids: machine.lessor.ids() };
    });
  }

  /**
   * Watches a range of keys; see {@link Watcher}. The member's end does not end its watchers: listen to `stopped`.
   *
   * @param onReady - called when `take()` has something after it had nothing
   */
  watch(request: WatchRequest, onReady: () => void): Watcher {
    return this.#watches.watch(request, onReady);
  }

  // --- The members ------------------------------------------------------------------------------------------------

  /** @param options - linearizable: as a majority has it now, not as this member knew it last */
  members({ linearizable }: { readonly linearizable: boolean }): Promise<readonly MemberInfo[]> {
    const read = ({ machine }: State) => machine.membership.members;
    return linearizable ? this.#replica.read(read) : this.#replica.readHere(read);
  }

  /**
   * Adds a member, which is to be started then. Beside a single voter it begins as a learner, whatever was asked for, and
   * gets its vote when it has caught up.
   *
   * @param options - replaces: a dead member; the new one learns the log, and when it has caught up, one change gives it
   * a vote and removes that one
   * @throws {@link InvalidPeerUrlsError}, {@link PeerUrlExistsError}, {@link TooManyLearnersError},
   * {@link NotEnoughStartedMembersError}, {@link UnhealthyClusterError}, {@link ConfigurationChangeError}
   */
  async memberAdd(options: {
    readonly peerUrls: readonly string[];
    readonly isLearner: boolean;
    readonly replaces?: MemberId | undefined;
  }): Promise<{ member: MemberInfo; members: readonly MemberInfo[] }> {
    const peerUrls = checkedPeerUrls(options.peerUrls);
    const members = await this.#change({ type: 'add', ...options, peerUrls });
    const member = members.find((info) => info.peerUrls.join() === peerUrls.join());
    // Nobody else can have removed it already: one change at a time, and each is answered as it is applied.
    return { member: member as MemberInfo, members };
  }

  /** Removes a member for ever. @throws {@link MemberNotFoundError}, and as {@link memberAdd} */
  memberRemove(id: MemberId): Promise<readonly MemberInfo[]> {
    return this.#change({ type: 'remove', id });
  }

  /** Says where a member listens from now on. @throws {@link MemberNotFoundError}, {@link PeerUrlExistsError} */
  memberUpdate(id: MemberId, peerUrls: readonly string[]): Promise<readonly MemberInfo[]> {
    return this.#change({ type: 'update', id, peerUrls });
  }

  /** Gives a learner a vote. @throws {@link MemberNotLearnerError}, {@link LearnerNotReadyError}, and as {@link memberAdd} */
  memberPromote(id: MemberId): Promise<readonly MemberInfo[]> {
    return this.#change({ type: 'promote', id });
  }

  // --- Maintenance ------------------------------------------------------------------------------------------------

  status(): MemberStatus {
    const { raft, state, installing } = this.#replica;
    const errors = this.leader === undefined ? ['no leader'] : [];
    return {
      leader: this.leader,
      term: raft.term,
      raftIndex: this.raftIndex,
      appliedIndex: this.appliedIndex,
      sizeBytes: installing === undefined ? state.backend.sizeBytes() : 0,
      usedBytes: installing === undefined ? state.backend.usedBytes() : 0,
      quotaBytes: this.#parts.settings.quotaBackendBytes,
      isLearner: this.isLearner,
      errors: [...errors, ...this.#cluster.admission.troubles],
      alarms: this.#raised.map(plainAlarm),
    };
  }

  /** Kinds of alarms that are raised anywhere, as applied here: each once. */
  alarms(): readonly AlarmKind[] {
    return [...new Set(this.#raised.map(({ kind }) => kind))];
  }

  /**
   * Tells what alarms are raised, or raises or ends one. One that is raised so stays until it is ended so.
   *
   * @returns those that are raised; or the one that is raised, or was ended; none if there was none to end
   * @throws {@link InvalidArgumentError} if too many are raised
   */
  async alarm(request: AlarmRequest): Promise<readonly Alarm[]> {
    if (request.action === 'get') {
      const { kind } = request;
      const isAsked = (alarm: Alarm) => kind === undefined || alarm.kind === kind;
      return this.#replica.read(({ machine }) => machine.alarms.raised.filter(isAsked).map(plainAlarm));
    }
    const { alarm } = await this.#replica.propose({ type: 'alarm', ...request, endsItself: false });
    return alarm === undefined ? [] : [alarm];
  }

  /** Hands leadership to another voter. @throws {@link MemberNotLeaderError}, {@link BadLeaderTransfereeError}, {@link TimeoutError} */
  async moveLeader(to: MemberId): Promise<void> {
    this.#replica.assertRunning();
    await this.#cluster.handOver.to(to);
  }

  /** The whole state at this moment, as a stream that later writes do not change. Close it when it is read. */
  snapshot(): Snapshot {
    this.#replica.assertRunning();
    if (this.#replica.installing !== undefined) throw new UnavailableError('the state is just being replaced');
    return takeSnapshot(this.#replica.state.backend, this.clock);
  }

  /** Gives back the space that the engine does not use; nothing stops meanwhile. @throws as {@link StateStore.defragment} */
  defragment(): Promise<void> {
    return defragment(this.#replica, this.#cluster.space, this.#parts);
  }

  /** @throws {@link CompactedError}, {@link FutureRevisionError} */
  hashKv(revision: number): Promise<KvHash> {
    return hashKv((read) => this.#replica.readHere(read), revision, this.clock);
  }

  /** The running hash of all that was applied here: 53 bits, equal at members that have applied the same. */
  hash(): Promise<number> {
    return this.#replica.readHere(({ machine }) => machine.appliedHash);
  }

  /**
   * Members of an older version could not read what this one writes, so no downgrade is valid. There is none under way,
   * either, and cancelling that does nothing.
   *
   * @throws {@link DowngradeVersionError}, {@link DowngradeTargetError}
   */
  async downgrade(action: 'validate' | 'enable' | 'cancel', version: string): Promise<void> {
    if (action !== 'cancel') assertIsVersion(version);
    await this.#replica.read(() => undefined);
    if (action !== 'cancel') throw new DowngradeTargetError(version);
  }

  /**
   * Tells whenever a leader becomes known, or none is known any more.
   *
   * @returns ends it
   */
  onLeadership(callback: (hasLeader: boolean) => void): () => void {
    let hadLeader = this.leader !== undefined;
    return this.#replica.leadership.onLeader((leader) => {
      const hasLeader = leader !== undefined;
      if (hasLeader === hadLeader) return;
      hadLeader = hasLeader;
      callback(hasLeader);
    });
  }

  /** Hands over leadership, answers whoever waits, makes everything durable, and ends. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#cluster.close();
    return this.#closing;
  }

  get #raised(): readonly Alarm[] {
    return this.#replica.state.machine.alarms.raised;
  }

  #change(change: MembershipChange): Promise<readonly MemberInfo[]> {
    if (this.#parts.peers === undefined) {
      return Promise.reject(new InvalidArgumentError('peers', 'none', 'given, for a member that is to have others'));
    }
    return this.#cluster.changes.make(change);
  }

  #freeLeaseId(): LeaseId {
    const { lessor } = this.#replica.state.machine;
    let id = randomId(this.#parts.prng);
    while (lessor.has(id)) id = randomId(this.#parts.prng);
    return id;
  }
}

function plainAlarm({ memberId, kind }: Alarm): Alarm {
  return { memberId, kind };
}

/** What the services ask of a member. `core/member` satisfies these without knowing them; tests pass small fakes. */
import type { Alarm, AlarmRequest } from '../base/alarm.js';
import type { AuthRequest, AuthStatus, Permission } from '../base/auth-operation.js';
import type { Clock } from '../base/clock.js';
import type { Event, KeyRange, LeaseId } from '../base/key-value.js';
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
  WatchBatch,
} from '../base/operation.js';
import type { ResponseHeader } from './gen/header.js';

/** Who answers, and how far it is. */
export interface HeaderPort {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Raft's term. */
  readonly term: number;
  /** The store's revision. */
  readonly revision: number;
}

/** What the KV service asks. */
export interface KvPort extends HeaderPort {
  range(request: RangeRequest): Promise<RangeResult>;
  /** The next part of a range. */
  rangePage(request: RangePageRequest): Promise<RangePage>;
  put(request: PutRequest): Promise<PutResult>;
  delete(request: DeleteRequest): Promise<DeleteResult>;
  txn(request: TxnRequest): Promise<TxnResult>;
  compact(revision: number, physical: boolean): Promise<{ readonly revision: number }>;
}

/** What the Lease service asks. */
export interface LeasePort extends HeaderPort {
  /** @param id - 0 to have one chosen */
  leaseGrant(
    id: LeaseId,
    ttlSeconds: number,
  ): Promise<{ readonly revision: number; readonly id: LeaseId; readonly ttlSeconds: number }>;
  leaseRevoke(id: LeaseId): Promise<{ readonly revision: number }>;
  /** A TTL of 0 says that the lease does not exist. */
  leaseKeepAlive(id: LeaseId): Promise<{ readonly revision: number; readonly ttlSeconds: number }>;
  /** A remaining TTL below 0 says that the lease does not exist. */
  leaseTimeToLive(id: LeaseId, keys: boolean): Promise<LeaseStatus & { readonly revision: number }>;
  leases(): Promise<{ readonly revision: number; readonly ids: readonly LeaseId[] }>;
}

/** What the Watch service asks. */
export interface WatchPort extends HeaderPort {
  /** @param onReady - called when `take()` has something after it had nothing */
  watch(
    request: {
      readonly target: KeyRange;
      readonly from?: number;
      readonly previous?: boolean;
      readonly only?: Event['type'];
    },
    onReady: () => void,
  ): PortWatcher;
}

/** One watch in the member, which bounds what waits in it: events stay there until they are taken. */
export interface PortWatcher {
  /** @param eventsMax - as many whole revisions in one batch as have so many events; absent: one revision */
  take(eventsMax?: number):
    | { readonly type: 'batch'; readonly batch: WatchBatch }
    | { readonly type: 'compacted'; readonly compactRevision: number }
    /** Its caller may not watch this any more; nothing else comes. */
    | { readonly type: 'denied'; readonly error: Error }
    | undefined;
  /** Nothing waits and the history is caught up: no event up to `revision` is still to come. */
  readonly synced: boolean;
  readonly revision: number;
  /** The first revision it delivers. */
  readonly startRevision: number;
  cancel(): void;
}

/** A member as the cluster knows it. */
export interface ClusterMember {
  readonly id: bigint;
  /** Empty until it has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** None until it has started. */
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** What the Cluster service asks, and our own one beside it. */
export interface ClusterPort extends HeaderPort {
  /** @param options - linearizable: confirmed by a majority; otherwise as known here */
  members(options: { readonly linearizable: boolean }): Promise<readonly ClusterMember[]>;
  /** @param options - replaces: the dead member that is removed in the same change that makes this one a voter */
  memberAdd(options: {
    readonly peerUrls: readonly string[];
    readonly isLearner: boolean;
    readonly replaces?: bigint;
  }): Promise<{ readonly member: ClusterMember; readonly members: readonly ClusterMember[] }>;
  memberRemove(id: bigint): Promise<readonly ClusterMember[]>;
  memberUpdate(id: bigint, peerUrls: readonly string[]): Promise<readonly ClusterMember[]>;
  memberPromote(id: bigint): Promise<readonly ClusterMember[]>;
}

/** A consistent view of a member's whole state, as the bytes of a file. */
export interface PortSnapshot {
  /** About how long all the chunks together are. */
  readonly sizeBytes: number;
  chunks(): AsyncIterable<Uint8Array>;
  /** Lets go of the view. Idempotent. */
  close(): unknown;
}

/** What the Maintenance service asks. */
export interface MaintenancePort extends HeaderPort {
  status(): {
    /** `undefined` if none is known. */
    readonly leader: bigint | undefined;
    readonly term: number;
    readonly raftIndex: number;
    readonly appliedIndex: number;
    readonly sizeBytes: number;
    /** What of that is in use. */
    readonly usedBytes: number;
    /** How much may be in use; below 0: no limit. */
    readonly quotaBytes: number;
    readonly isLearner: boolean;
    /** What is wrong, beside the lack of a leader and alarms. */
    readonly errors: readonly string[];
    /** As applied here. */
    readonly alarms: readonly Alarm[];
  };
  /** @returns those that are raised; or the one that is raised, or was ended; none if there was none to end */
  alarm(request: AlarmRequest): Promise<readonly Alarm[]>;
  snapshot(): PortSnapshot;
  /** Gives back the space that this member's store does not use; resolves when that is done. */
  defragment(): Promise<void>;
  /** @param revision - 0 for the present */
  hashKv(
    revision: number,
  ): Promise<{ readonly hash: number; readonly compactRevision: number; readonly hashRevision: number }>;
  /** One number for all that was applied here, equal at members that have applied the same: a whole number of 53 bits. */
  hash(): Promise<number>;
  /** Whether a cluster can be made one of an older version: it never can, and there is nothing under way to be cancelled. */
  downgrade(action: 'validate' | 'enable' | 'cancel', version: string): Promise<void>;
  /** Resolves when another member leads. */
  moveLeader(to: bigint): Promise<void>;
}

/** What the Auth service asks. */
export interface AuthPort {
  status(): Promise<AuthStatus>;
  /** @returns a token */
  authenticate(name: string, password: string): Promise<string>;
  change(request: AuthRequest): Promise<{ readonly revision: number }>;
  userRoles(name: string): Promise<readonly string[]>;
  users(): Promise<readonly string[]>;
  permissions(role: string): Promise<readonly Permission[]>;
  roles(): Promise<readonly string[]>;
}

/** Whether a member is in a position to answer. */
export interface LeadershipPort {
  readonly leader: bigint | undefined;
  readonly isLearner: boolean;
  /**
   * Tells whenever a leader becomes known, or is not known any more.
   *
   * @returns ends it
   */
  onLeadership(callback: (hasLeader: boolean) => void): () => void;
}

/** A whole member, as one caller may use it. */
export interface MemberPorts extends KvPort, LeasePort, WatchPort, ClusterPort, MaintenancePort, LeadershipPort {
  /** The caller's name. Absent: nobody is asked. */
  readonly user?: string | undefined;
  readonly auth: AuthPort;
  readonly clock: Clock;
  /** Resolves when it serves no more. */
  readonly stopped: Promise<Error | undefined>;
}

/** What a call says of who makes it. */
export interface CallerCredentials {
  readonly token?: string | undefined;
  /** The common name of the certificate with which the connection proved itself. */
  readonly commonName?: string | undefined;
}

/** A member that is served: what it answers to whom is its own to decide. */
export interface ServedMember extends LeadershipPort, HeaderPort {
  readonly clock: Clock;
  /** Resolves when it serves no more. */
  readonly stopped: Promise<Error | undefined>;
  readonly callers: {
    /** The member as the caller may use it: the same object for the same caller, mostly. Throws if there is none such. */
    of(credentials: CallerCredentials): MemberPorts | Promise<MemberPorts>;
  };
}

/** The header of an answer. @param revision - the store's, unless the answer belongs to an earlier one */
export function headerOf(port: HeaderPort, revision: number = port.revision): ResponseHeader {
  return { clusterId: port.clusterId, memberId: port.memberId, revision, raftTerm: port.term };
}

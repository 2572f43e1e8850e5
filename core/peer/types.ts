/**
 * What members say to each other beside consensus, and the seam behind which it is carried. `core/member` calls
 * {@link PeerTransport} and implements {@link PeerHandler}; nobody else knows of sockets.
 */
import type { PemSource } from '../tls/pem.js';
import type { TlsFiles } from '../tls/tls-material.js';
import type { InstallSnapshotRequest, MemberId, Message } from '../raft/types.js';

/** Why another member did not do what was asked of it. `code` is that of a `CoordinationError`. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A follower hands commands to the leader. */
export interface ForwardRequest {
  readonly type: 'forward';
  /** Chosen by who asks, so that the answer finds back; so in all requests. */
  readonly request: number;
  readonly commands: readonly Uint8Array[];
}

/** The first `accepted` commands stand at `firstIndex` and after it; the others were refused, and nothing of them was done. */
export interface ForwardAnswer {
  readonly type: 'forwarded';
  readonly request: number;
  readonly term: number;
  readonly firstIndex: number;
  readonly accepted: number;
  readonly refusal?: Refusal;
}

/** Renews leases at the leader. */
export interface RenewRequest {
  readonly type: 'renew';
  readonly request: number;
  readonly leases: readonly bigint[];
}

/** One TTL in seconds for each lease that was asked for, in order; 0 where there is no such lease. */
export interface RenewAnswer {
  readonly type: 'renewed';
  readonly request: number;
  readonly ttls: readonly number[];
  readonly refusal?: Refusal;
}

/** Asks the leader how long a lease still lives. */
export interface RemainingRequest {
  readonly type: 'askRemaining';
  readonly request: number;
  readonly lease: bigint;
}

export interface RemainingAnswer {
  readonly type: 'remaining';
  readonly request: number;
  readonly remainingMs: number;
  readonly refusal?: Refusal;
}

/** Hands a change of the membership (JSON bytes) to the leader. */
export interface ChangeRequest {
  readonly type: 'askChange';
  readonly request: number;
  readonly change: Uint8Array;
}

/** Where the change stands in the log. */
export interface ChangeAnswer {
  readonly type: 'changed';
  readonly request: number;
  readonly index: number;
  readonly term: number;
  readonly refusal?: Refusal;
}

/** The running hash of what the leader had applied at an index. */
export interface StateHash {
  readonly type: 'stateHash';
  readonly index: number;
  readonly hash: number;
}

/** The same at a follower. */
export interface StateHashAnswer {
  readonly type: 'stateHashAnswer';
  readonly index: number;
  /** Undefined: not known here, or not any more. */
  readonly hash: number | undefined;
}

/** Tells a member that its state parted from the majority's, somewhere in (afterIndex, upToIndex]. */
export interface Diverged {
  readonly type: 'diverged';
  readonly afterIndex: number;
  readonly upToIndex: number;
}

/** Everything that travels from member to member, a snapshot's bytes excepted. */
export type PeerMessage =
  | Message
  | ForwardRequest
  | ForwardAnswer
  | RenewRequest
  | RenewAnswer
  | RemainingRequest
  | RemainingAnswer
  | ChangeRequest
  | ChangeAnswer
  | StateHash
  | StateHashAnswer
  | Diverged;

/** Where a member listens for the others. */
export interface PeerAddress {
  readonly id: MemberId;
  /** `http://host:port` for plain TCP, `https://host:port` for TLS. Several are tried in turn. */
  readonly urls: readonly string[];
}

/** Who somebody is, as both ends of a new connection tell each other. */
export interface Greeting {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** Made with the member's data folder: another one under the same member id means that its disk was wiped. */
  readonly incarnation: bigint;
  /** Where it listens for other members, so that one who does not know it yet can answer. Absent: it does not say. */
  readonly peerUrls?: readonly string[];
}

/** `wrongMember` and `versionMismatch` are found by the transport itself, the others by the member. */
export type RefusedCode =
  'clusterMismatch' | 'memberUnknown' | 'memberRemoved' | 'memberWiped' | 'wrongMember' | 'versionMismatch';

/** Why one member will not talk to another. */
export interface Refused {
  readonly code: RefusedCode;
  /** In words, for the log of whoever is refused. */
  readonly reason: string;
}

/** What the transport asks of its member. Called from the event loop, never from inside a call to the transport. */
export interface PeerHandler {
  /** Asked on both ends of a new connection about the other end, and again after `setPeers`. Undefined: welcome. */
  accept(greeting: Greeting): Refused | undefined;
  /** The answer to a joiner's query: JSON bytes with the cluster's id and its members. */
  members(): Uint8Array;
  /** What arrived in one frame. Data in the messages are views of the frame, which nobody else writes to. */
  onMessages(from: MemberId, messages: readonly PeerMessage[]): void;
  /**
   * A snapshot arrives. The iterable throws if the stream breaks or its checksum does not fit; while nobody pulls, the
   * sender waits. Resolved: received whole; a rejection's message is told to the sender.
   */
  onSnapshot(from: MemberId, announcement: InstallSnapshotRequest, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** An established connection to it closed and the next one was refused: its process has ended. */
  onGone(id: MemberId): void;
  /** Frames to it were dropped, or the connection broke; at most once in a turn of the event loop. */
  onUnreachable(id: MemberId): void;
  /** It will not have us, or is not whom we meant. Dialling goes on, at the slowest pace: its reason may pass. */
  onRefused(by: MemberId, refused: Refused): void;
}

/**
 * Certificates for `https://` URLs: paths of PEM files, which are read again for new connections when they change, or their
 * bytes. Ours identifies us to those we dial and to those who dial us. Without `ca`, the authorities that Node trusts may
 * have signed the others'.
 */
export interface PeerTls extends TlsFiles {
  readonly cert: PemSource;
  readonly key: PemSource;
  /** Refuses who dials us without a certificate that `ca` signed. */
  readonly requireClientCert: boolean;
  /** Takes any certificate of those whom we dial: what is said is encrypted, but they may be anybody. Default: false. */
  readonly insecureSkipVerify?: boolean;
  /** Of those who dial us, only who has one of these common names. It needs `requireClientCert`. */
  readonly allowedCommonNames?: readonly string[];
  /** Of those who dial us, only whose certificate is for one of these hosts. It needs `requireClientCert`. */
  readonly allowedHostnames?: readonly string[];
}

/** Carries messages between this member and the others. */
export interface PeerTransport {
  /** Where it listens, with the ports that were picked. */
  readonly urls: readonly string[];
  /** The other members: connects to new ones, lets go of those that are not named any more, and asks `accept` again. */
  setPeers(peers: readonly PeerAddress[]): void;
  /**
   * Sends messages as one frame; what is sent to one member in one turn of the event loop leaves in one write. Drops them
   * if there is no connection or its queue is full, and says so through `onUnreachable`. Never throws, broken invariants
   * of the messages excepted.
   */
  send(to: MemberId, messages: readonly PeerMessage[]): void;
  /**
   * Sends a snapshot on a connection of its own. Resolves when the receiver has said that it has it whole.
   *
   * @throws `SnapshotTransferError` if the connection breaks, is refused or stalls, the receiver does not take it, or too
   * many are under way. Nothing is left behind: send it again
   * @throws the signal's reason if it aborts; whatever `chunks` throws
   */
  sendSnapshot(
    to: MemberId,
    announcement: InstallSnapshotRequest,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Whether our outgoing connection to it is up and welcome. */
  isConnected(id: MemberId): boolean;
  /** Since when it is, in the clock's milliseconds; undefined if it is not. */
  connectedSince(id: MemberId): number | undefined;
  /** Lets what was sent leave, then ends every connection and stops listening. Idempotent. */
  close(): Promise<void>;
}

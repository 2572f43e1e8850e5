/**
 * What the log carries and what applying it answers. `core/rpc` and `core/member` speak of these; how a command looks in
 * bytes is in `codec.ts`.
 */
import type { AuthChange, Caller } from '../auth/types.js';
import type { Alarm } from '../base/alarm.js';
import type { CoordinationError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import type { DeleteRequest, DeleteResult, PutRequest, PutResult, TxnRequest, TxnResult } from '../base/operation.js';
import type { MemberId } from '../raft/types.js';

/** Forgets what was overwritten or deleted up to `revision`. */
export interface CompactCommand {
  readonly type: 'compact';
  readonly revision: number;
}

/** Grants a lease. The proposer has chosen the id (never 0) and raised the TTL to its minimum. */
export interface LeaseGrantCommand {
  readonly type: 'leaseGrant';
  readonly id: LeaseId;
  readonly ttlSeconds: number;
}

/** Ends a lease and deletes its keys, all in one revision. */
export interface LeaseRevokeCommand {
  readonly type: 'leaseRevoke';
  readonly id: LeaseId;
}

/** What the cluster knows of one of its members. */
export interface MemberInfo {
  readonly id: MemberId;
  /** Empty until the member has published it. */
  readonly name: string;
  /** Where the other members reach it. */
  readonly peerUrls: readonly string[];
  /** Where clients reach it; empty until the member has published it. */
  readonly clientUrls: readonly string[];
  /** That of the data folder with which the member last published itself; 0n if it never has. */
  readonly incarnation: bigint;
  /** Whether it only receives the log, without a vote. It follows from the configuration in force. */
  readonly isLearner: boolean;
  /** The member in whose place it comes: once it has caught up, one change gives it a vote and removes that one. */
  readonly replaces?: MemberId;
}

/** Says where the other members reach a member from now on. */
export interface MemberUpdateCommand {
  readonly type: 'memberUpdate';
  readonly id: MemberId;
  readonly peerUrls: readonly string[];
}

/** Says what a member wants known of itself; it proposes this after every start that changes any of it. */
export interface MemberPublishCommand {
  readonly type: 'memberPublish';
  readonly id: MemberId;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly incarnation: bigint;
}

/** Changes users, roles, or whether anybody is asked for them; or makes a token known. */
export interface AuthCommand {
  readonly type: 'auth';
  readonly change: AuthChange;
}

/** Raises or ends an alarm. */
export interface AlarmCommand {
  readonly type: 'alarm';
  readonly action: 'raise' | 'end';
  readonly alarm: Alarm;
  /** A member raises it, and ends it, by itself; so it ends none that somebody else has raised. */
  readonly endsItself: boolean;
}

/** What somebody outside may have a cluster carry out, if they may. */
export type CallerCommand =
  PutRequest | DeleteRequest | TxnRequest | CompactCommand | LeaseGrantCommand | LeaseRevokeCommand | AuthCommand;

/**
 * A command that is carried out only if, in the state to which it is applied, its caller may have it carried out. What
 * was checked before it was proposed may have changed since.
 */
export interface CallersCommand {
  readonly type: 'callers';
  readonly caller: Caller;
  readonly command: CallerCommand;
}

/** A change of the replicated state: the content of one log entry. */
export type Command =
  | CallersCommand
  | AuthCommand
  | PutRequest
  | DeleteRequest
  | TxnRequest
  | CompactCommand
  | LeaseGrantCommand
  | LeaseRevokeCommand
  | AlarmCommand
  | MemberUpdateCommand
  | MemberPublishCommand;

/** The store's revision after a compaction. */
export interface CompactResult {
  readonly type: 'compact';
  readonly revision: number;
}

export interface LeaseGrantResult {
  readonly type: 'leaseGrant';
  readonly revision: number;
  readonly id: LeaseId;
  readonly ttlSeconds: number;
}

/** A lease without keys ends without a new revision. */
export interface LeaseRevokeResult {
  readonly type: 'leaseRevoke';
  readonly revision: number;
}

/** `members` are the cluster's once the change was made. */
export interface MemberUpdateResult {
  readonly type: 'memberUpdate';
  readonly revision: number;
  readonly members: readonly MemberInfo[];
}

/** `members` are the cluster's once the change was made. */
export interface MemberPublishResult {
  readonly type: 'memberPublish';
  readonly revision: number;
  readonly members: readonly MemberInfo[];
}

/** `index` is that of the entry. */
export interface AuthResult {
  readonly type: 'auth';
  readonly revision: number;
  readonly index: number;
}

/** `alarm` is what is raised, or was ended; `undefined` if there was none to end. */
export interface AlarmResult {
  readonly type: 'alarm';
  readonly revision: number;
  readonly alarm: Alarm | undefined;
}

/** What a configuration entry answers: the members of the configuration that it put in force. */
export interface ConfigurationResult {
  readonly type: 'configuration';
  readonly revision: number;
  readonly members: readonly MemberInfo[];
}

/** What an entry answers; `revision` is always the store's once the entry was carried out. */
export type CommandResult =
  | PutResult
  | DeleteResult
  | TxnResult
  | CompactResult
  | LeaseGrantResult
  | LeaseRevokeResult
  | MemberUpdateResult
  | MemberPublishResult
  | AuthResult
  | AlarmResult
  | ConfigurationResult;

/**
 * One committed entry of the log. Its data is a command, or with the kind `configuration` who the members are. Empty data
 * carries no command: the entry with which a leader begins its term.
 */
export interface LogEntry {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
  readonly kind?: 'configuration';
}

/** What became of an entry. A command that failed has used up its index and changed nothing. */
export type Applied =
  | { readonly index: number; readonly result: CommandResult }
  | { readonly index: number; readonly error: CoordinationError };

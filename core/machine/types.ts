/**
 * What the log carries and what applying it answers. `core/rpc` and `core/member` speak of these; how a command looks in
 * bytes is in `codec.ts`.
 */
import type { CoordinationError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import type { DeleteRequest, DeleteResult, PutRequest, PutResult, TxnRequest, TxnResult } from '../base/operation.js';

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

/** A change of the replicated state: the content of one log entry. */
export type Command = PutRequest | DeleteRequest | TxnRequest | CompactCommand | LeaseGrantCommand | LeaseRevokeCommand;

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

/** What a command answers; `revision` is always the store's once the command was carried out. */
export type CommandResult = PutResult | DeleteResult | TxnResult | CompactResult | LeaseGrantResult | LeaseRevokeResult;

/** One committed entry of the log. Empty data carries no command: the entry with which a leader begins its term. */
export interface LogEntry {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** What became of a command. One that failed has used up its index and changed nothing. */
export type Applied =
  | { readonly index: number; readonly result: CommandResult }
  | { readonly index: number; readonly error: CoordinationError };

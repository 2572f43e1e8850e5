import { unreachable } from '../base/assert.js';
import { PermissionDeniedError } from '../base/errors.js';
import { type KeyRange, type LeaseId, NO_LEASE } from '../base/key-value.js';
import type { Operation } from '../base/operation.js';
import type { Rights } from './rights.js';

/** The keys that live by a lease; none if it does not exist. */
export type KeysOfLease = (id: LeaseId) => readonly Uint8Array[];

/**
 * Checks that whoever has these rights may carry out an operation, with all that is nested in it, whichever branch a
 * transaction takes: what it may not do must not depend on what it cannot see.
 *
 * @throws {@link PermissionDeniedError}
 * @remarks Source: etcd, `server/etcdserver/apply/auth.go`; CVE-2026-33343 (operations of nested transactions).
 */
export function assertMayDo(rights: Rights, operation: Operation, keysOf: KeysOfLease): void {
  if (rights.isRoot) return;
  switch (operation.type) {
    case 'range':
      return assertMayRead(rights, operation);
    case 'put':
      assertMayWrite(rights, operation);
      // Whoever lets a key live by a lease has it deleted with that lease's others, and may revoke it only with them.
      if (operation.lease !== undefined && operation.lease !== NO_LEASE) assertMayEnd(rights, keysOf(operation.lease));
      if (operation.previous) assertMayRead(rights, { key: operation.key });
      return;
    case 'delete':
      assertMayWrite(rights, operation);
      if (operation.previous) assertMayRead(rights, operation);
      return;
    case 'txn':
      for (const compare of operation.compares) assertMayRead(rights, compare);
      for (const inner of operation.success) assertMayDo(rights, inner, keysOf);
      for (const inner of operation.failure) assertMayDo(rights, inner, keysOf);
      return;
    default:
      return unreachable(operation);
  }
}

/** Checks that a lease with these keys may be ended, renewed, or given another key. @throws {@link PermissionDeniedError} */
export function assertMayEnd(rights: Rights, keys: readonly Uint8Array[]): void {
  for (const key of keys) assertMayWrite(rights, { key });
}

/** Checks that it may be told which keys these are. @throws {@link PermissionDeniedError} */
export function assertMaySee(rights: Rights, keys: readonly Uint8Array[]): void {
  for (const key of keys) assertMayRead(rights, { key });
}

/** @throws {@link PermissionDeniedError} */
export function assertMayRead(rights: Rights, range: KeyRange): void {
  if (!rights.mayRead(range)) throw new PermissionDeniedError('read all of these keys');
}

function assertMayWrite(rights: Rights, { key, end }: KeyRange): void {
  const range = end === undefined ? { key } : { key, end };
  if (!rights.mayWrite(range)) throw new PermissionDeniedError('write all of these keys');
}

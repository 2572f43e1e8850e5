import { unreachable } from '../base/assert.js';
import type { Operation } from '../base/operation.js';
import type { Command } from './types.js';

/** What a key or a lease takes beside its bytes: etcd's estimates, so that the same requests are refused. */
const KEY_OVERHEAD_BYTES = 256;
const LEASE_BYTES = 64;

/**
 * How many bytes a command may make the store larger, as etcd reckons. One of 0 bytes is taken while there is no space: it
 * deletes, reads, or ends something.
 *
 * @remarks Source: etcd v3.7.1, `server/storage/quota.go`.
 */
export function spaceCost(command: Command): number {
  switch (command.type) {
    case 'callers':
      return spaceCost(command.command);
    case 'put':
    case 'txn':
      return operationCost(command);
    case 'leaseGrant':
      return LEASE_BYTES;
    default:
      return 0;
  }
}

/** The dearer branch counts, whichever is taken: a transaction is refused before it is known which way it would go. */
function operationCost(operation: Operation): number {
  switch (operation.type) {
    case 'put':
      return KEY_OVERHEAD_BYTES + operation.key.length + operation.value.length;
    case 'txn':
      return Math.max(branchCost(operation.success), branchCost(operation.failure));
    case 'range':
    case 'delete':
      return 0;
    default:
      return unreachable(operation);
  }
}

function branchCost(operations: readonly Operation[]): number {
  let bytes = 0;
  for (const operation of operations) bytes += operationCost(operation);
  return bytes;
}

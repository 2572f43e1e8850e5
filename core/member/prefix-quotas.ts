import { unreachable } from '../base/assert.js';
import { PrefixQuotaExceededError } from '../base/errors.js';
import type { KeyValue } from '../base/key-value.js';
import type { DeleteRequest, Operation, PutRequest } from '../base/operation.js';
import type { Keyspace } from '../mvcc/keyspace.js';
import { PrefixKeys } from './prefix-keys.js';
import type { PrefixQuota } from './prefix-options.js';
import { sizeOf, type PrefixUsage, type Usage } from './prefix-usage.js';

type Read = (key: Uint8Array) => KeyValue | undefined;

const NOTHING: Usage = { keys: 0, bytes: 0 };

/**
 * Whether there is room for what an operation would add under prefixes that have a quota. It is asked before the operation
 * is proposed, of the state as it is here then: what is under way at that moment is not seen, so a quota can be exceeded
 * by as much.
 *
 * What overwrites counts as the difference. Of a transaction the dearer branch counts; a key that it deletes by itself
 * makes room for what it puts, a range that it deletes does not.
 */
export class PrefixQuotas {
  readonly #quotas: readonly { readonly quota: PrefixQuota; readonly under: PrefixKeys }[];
  #refusedCount = 0;

  constructor(quotas: readonly PrefixQuota[]) {
    this.#quotas = quotas.map((quota) => ({ quota, under: new PrefixKeys(quota.prefix) }));
  }

  /** How many calls were refused. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Why there is no room; `undefined` if there is. */
  refusal(operation: Operation, keyspace: Keyspace, usage: PrefixUsage): PrefixQuotaExceededError | undefined {
    const read = reader(keyspace);
    for (const { quota, under } of this.#quotas) {
      const refusal = exceeded(quota, usage.of(quota.prefix), growth(operation, under, read));
      if (refusal === undefined) continue;
      this.#refusedCount += 1;
      return refusal;
    }
    return undefined;
  }
}

/** What does not grow is taken also where there is too much already. */
function exceeded(
  { prefix, keysMax = Number.POSITIVE_INFINITY, bytesMax = Number.POSITIVE_INFINITY }: PrefixQuota,
  used: Usage,
  more: Usage,
): PrefixQuotaExceededError | undefined {
  if (more.keys > 0 && used.keys + more.keys > keysMax) {
    return new PrefixQuotaExceededError(prefix, 'keys', used.keys, keysMax);
  }
  if (more.bytes > 0 && used.bytes + more.bytes > bytesMax) {
    return new PrefixQuotaExceededError(prefix, 'bytes', used.bytes, bytesMax);
  }
  return undefined;
}

function growth(operation: Operation, under: PrefixKeys, read: Read): Usage {
  switch (operation.type) {
    case 'put':
      return growthOfPut(operation, under, read);
    case 'delete':
      return growthOfDelete(operation, under, read);
    case 'range':
      return NOTHING;
    case 'txn': {
      const [success, failure] = [operation.success, operation.failure].map((branch) => sum(branch, under, read));
      const { keys, bytes } = success as Usage;
      return { keys: Math.max(keys, failure?.keys ?? 0), bytes: Math.max(bytes, failure?.bytes ?? 0) };
    }
    default:
      return unreachable(operation);
  }
}

function growthOfPut(put: PutRequest, under: PrefixKeys, read: Read): Usage {
  if (!under.holds(put.key)) return NOTHING;
  const before = read(put.key);
  if (before === undefined) return { keys: 1, bytes: sizeOf(put) };
  return { keys: 0, bytes: put.ignoreValue ? 0 : sizeOf(put) - sizeOf(before) };
}

function growthOfDelete({ key, end }: DeleteRequest, under: PrefixKeys, read: Read): Usage {
  const before = end === undefined && under.holds(key) ? read(key) : undefined;
  return before === undefined ? NOTHING : { keys: -1, bytes: -sizeOf(before) };
}

function sum(operations: readonly Operation[], under: PrefixKeys, read: Read): Usage {
  let [keys, bytes] = [0, 0];
  for (const operation of operations) {
    const more = growth(operation, under, read);
    keys += more.keys;
    bytes += more.bytes;
  }
  return { keys, bytes };
}

function reader(keyspace: Keyspace): Read {
  return (key) => keyspace.previous(key, keyspace.revision + 1);
}

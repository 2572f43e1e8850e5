import { toText } from '../../core/base/bytes.js';
import type { KeyValue, LeaseId } from '../../core/base/key-value.js';
import { parseAcquisitionKey } from '../keys.js';
import { type Metadata, parseObject } from '../metadata.js';

/** One place in a waiting line: the holder's, which is the first, or a waiter's. */
export interface Place {
  readonly key: string;
  /** The revision that created the key, and so its rank: the lowest holds. */
  readonly fencingToken: number;
  /** Its session's lease; the place ends with it. */
  readonly lease: LeaseId;
  readonly acquisitionId: string;
  /** Where it is, for display; absent if the key was not written by Conclave. */
  readonly host?: string;
  readonly pid?: number;
  /** Wall time of the owner's clock when it queued, ISO 8601; for display. */
  readonly since?: string;
  /** What the user gave beside it. */
  readonly metadata: Metadata;
}

/**
 * Whether a key in a line's prefix is a place in that line: of our form, and bound to the lease it names. Anything else is
 * foreign. It has no session that would ever end it, so whoever waited for it would wait for ever; it is passed over.
 */
export function isPlace(prefix: string, kv: KeyValue): boolean {
  const parsed = parseAcquisitionKey(prefix, kv.key);
  return parsed !== undefined && parsed.lease === kv.lease;
}

/** A place as people read it. The key must be one by {@link isPlace}. */
export function toPlace(prefix: string, kv: KeyValue): Place {
  const { host, pid, since, acquisitionId: _, ...metadata } = parseObject(kv.value) ?? {};
  return {
    key: toText(kv.key),
    fencingToken: kv.createRevision,
    lease: kv.lease,
    acquisitionId: parseAcquisitionKey(prefix, kv.key)?.acquisitionId ?? '',
    ...(typeof host === 'string' && { host }),
    ...(typeof pid === 'number' && { pid }),
    ...(typeof since === 'string' && { since }),
    metadata,
  };
}

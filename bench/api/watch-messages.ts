import { prefix } from 'conclave/core';
import type { WatchRequest, WatchResponse } from '../../core/rpc/gen/watch.js';

/** Asks for a watch of one key, or of all keys with a prefix. */
export function createWatch(
  target: { readonly key: string } | { readonly prefix: string; readonly startRevision: bigint },
): WatchRequest {
  const { key, end } = 'key' in target ? { key: Buffer.from(target.key), end: undefined } : prefix(target.prefix);
  const createRequest = {
    ...{ key: Buffer.from(key), rangeEnd: Buffer.from(end ?? []), watchId: 0n, fragment: false },
    ...{ startRevision: 'key' in target ? 0n : target.startRevision, filters: [] },
    ...{ progressNotify: false, prevKv: false },
  };
  return { requestUnion: { $case: 'createRequest', createRequest } };
}

export function eventCount({ events }: WatchResponse): number {
  return events.length;
}

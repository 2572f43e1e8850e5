/** Who holds or waits, as the recipes write it into their keys for people to read. Nothing is decided by it. */
import { hostname } from 'node:os';
import { toBytes, toText } from '../core/base/bytes.js';
import { InvalidArgumentError } from '../core/base/errors.js';
import type { Origin } from '../core/base/origin.js';
import type { Store } from '../core/store.js';

/** What a user adds to it; anything that JSON can hold. */
export type Metadata = Readonly<Record<string, unknown>>;

/** The value of a key that marks a holder or waiter. User metadata stands beside these fields and cannot replace them. */
export interface Owner extends Metadata {
  readonly host: string;
  readonly pid: number;
  /** Wall time of the acquisition's start, ISO 8601, by the owner's own clock. For display only. */
  readonly since: string;
  readonly acquisitionId: string;
}

/** Who writes, and when, as it stands in a key's value. */
export type By = Pick<Owner, 'host' | 'pid' | 'since'>;

const THIS_PROCESS: Origin = { host: hostname(), pid: process.pid, wallTime: () => new Date().toISOString() };

/** The program that uses this store, now. */
export function by({ origin = THIS_PROCESS }: Pick<Store, 'origin'>): By {
  return { host: origin.host, pid: origin.pid, since: origin.wallTime() };
}

/** It in a few words. */
export function named({ host, pid }: By): string {
  return `${host} (${pid})`;
}

/** It as the owner of an acquisition. */
export function ownerHere(store: Pick<Store, 'origin'>, acquisitionId: string, metadata: Metadata = {}): Owner {
  return { ...metadata, ...by(store), acquisitionId };
}

/**
 * A value as JSON bytes.
 *
 * @param field - the option's name, for the error
 * @throws {@link InvalidArgumentError} if JSON cannot hold it: it has a cycle or a bigint
 */
export function toJson(value: unknown, field: string): Uint8Array {
  try {
    return toBytes(JSON.stringify(value));
  } catch {
    throw new InvalidArgumentError(field, value, 'something that JSON can hold: no cycle, no bigint');
  }
}

/** How deep a value may be nested: what is deeper can be read, but not written again, or even looked at, without a full stack. */
export const NESTED_MAX = 1_000;

/**
 * The object that bytes encode as JSON, or `undefined` if they do not, or it is nested deeper than {@link NESTED_MAX}: anybody
 * may have written them.
 */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(toText(bytes));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    // A level takes two bytes at least, so most values need no look.
    if (bytes.length > 2 * NESTED_MAX && isDeep(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** Looks level by level, without calling itself. */
function isDeep(value: object): boolean {
  let level: readonly object[] = [value];
  for (let depth = 0; depth <= NESTED_MAX; depth += 1) {
    const parts = level.flatMap((one): unknown[] => Object.values(one));
    level = parts.filter((part) => typeof part === 'object' && part !== null);
    if (level.length === 0) return false;
  }
  return true;
}

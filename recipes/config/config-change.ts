import type { StandardSchemaV1 } from '@standard-schema/spec';
import { changedPaths, type PathChange } from './document.js';
import type { ConfigDowngradeError, InvalidConfigError, ReleaseNotFoundError } from './errors.js';
import type { Release } from './release.js';
import type { Output } from './schema.js';

/** A release came into force here. Its values are frozen, and stay as they are for whoever keeps them. */
export interface ConfigChange<S extends StandardSchemaV1 = StandardSchemaV1> {
  readonly release: number;
  readonly current: Output<S>;
  /** Absent for the first. */
  readonly previous?: Output<S>;
  /** What differs from `previous`; of the first, the whole document. */
  readonly changes: readonly PathChange[];
  readonly comment?: string;
  readonly author: string;
}

/** Why a release did not come into force here. */
export type RejectionError = InvalidConfigError | ConfigDowngradeError | ReleaseNotFoundError;

export interface ConfigEvents<S extends StandardSchemaV1 = StandardSchemaV1> {
  /** A release came into force; `current` has it already. */
  change: (change: ConfigChange<S>) => unknown;
  /** A release is in force elsewhere that this process cannot accept; the last good one stays. */
  rejected: (release: number, error: RejectionError) => unknown;
  /** What is in force here cannot be compared with the store any more (true), or can again (false). */
  stale: (stale: boolean) => unknown;
}

/** How one document followed another, or none. */
export function changeTo<S extends StandardSchemaV1>(
  next: { readonly release: Pick<Release, 'release' | 'author' | 'comment'>; readonly current: Output<S> },
  previous: { readonly current: Output<S> } | undefined,
): ConfigChange<S> {
  const { release, author, comment } = next.release;
  return {
    release,
    current: next.current,
    ...(previous && { previous: previous.current }),
    changes: changedPaths(previous?.current, next.current),
    ...(comment !== undefined && { comment }),
    author,
  };
}

/** One change that leads from before the first to after the last. */
export function mergeChanges<S extends StandardSchemaV1>(
  changes: readonly ConfigChange<S>[],
): ConfigChange<S> | undefined {
  const [first, last] = [changes[0], changes[changes.length - 1]];
  if (!first || !last || first === last) return last;
  const { previous: _, ...rest } = last;
  const had = 'previous' in first ? { previous: first.previous } : {};
  return { ...rest, ...had, changes: changedPaths(first.previous, last.current) };
}

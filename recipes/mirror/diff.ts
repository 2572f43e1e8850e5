import type { LeaseId } from '../../core/base/key-value.js';

/** What became of one thing between two states. */
export type Change<E> =
  | { readonly type: 'added'; readonly key: string; readonly current: E }
  | { readonly type: 'updated'; readonly key: string; readonly current: E; readonly previous: E }
  | { readonly type: 'removed'; readonly key: string; readonly previous: E };

/** How one state became a later one: each key at most once. */
export interface Diff<E> {
  /** The state is now that of this revision. */
  readonly revision: number;
  readonly changes: readonly Change<E>[];
}

/** A key as a mirror has it, its value decoded. */
export interface MirrorEntry<T> {
  /** The key's text. */
  readonly key: string;
  readonly value: T;
  readonly createRevision: number;
  readonly modRevision: number;
  /** The lease it lives by, 0 if none. */
  readonly lease: LeaseId;
}

export type MirrorChange<T> = Change<MirrorEntry<T>>;
export type MirrorDiff<T> = Diff<MirrorEntry<T>>;

/** The change that leads from one state of a key to another; undefined if it is absent in both. */
export function changeBetween<E>(key: string, previous: E | undefined, current: E | undefined): Change<E> | undefined {
  if (current === undefined) return previous === undefined ? undefined : { type: 'removed', key, previous };
  if (previous === undefined) return { type: 'added', key, current };
  return { type: 'updated', key, current, previous };
}

/**
 * One diff that leads from before the first to after the last. What came and went in between is left out; undefined if
 * nothing remains.
 *
 * For example "a added, a updated, b added, b removed" becomes "a added", as last updated.
 */
export function mergeDiffs<E>(diffs: readonly Diff<E>[]): Diff<E> | undefined {
  const ends = new Map<string, { readonly previous: E | undefined; current: E | undefined }>();
  for (const change of diffs.flatMap((diff) => diff.changes)) {
    const current = change.type === 'removed' ? undefined : change.current;
    const known = ends.get(change.key);
    if (known) known.current = current;
    else ends.set(change.key, { previous: change.type === 'added' ? undefined : change.previous, current });
  }
  const changes = [...ends].flatMap(([key, { previous, current }]) => changeBetween(key, previous, current) ?? []);
  const last = diffs[diffs.length - 1];
  return last === undefined || changes.length === 0 ? undefined : { revision: last.revision, changes };
}

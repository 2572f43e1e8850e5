import type { LeaseId } from '../../core/base/key-value.js';

/** A key as the mirror has it, its value decoded. */
export interface MirrorEntry<T> {
  /** The key's text. */
  readonly key: string;
  readonly value: T;
  readonly createRevision: number;
  readonly modRevision: number;
  /** The lease it lives by, 0 if none. */
  readonly lease: LeaseId;
}

/** What became of one key between two states of a mirror. */
export type MirrorChange<T> =
  | { readonly type: 'added'; readonly key: string; readonly current: MirrorEntry<T> }
  | {
      readonly type: 'updated';
      readonly key: string;
      readonly current: MirrorEntry<T>;
      readonly previous: MirrorEntry<T>;
    }
  | { readonly type: 'removed'; readonly key: string; readonly previous: MirrorEntry<T> };

/** How a mirror went from one state to a later one: each key at most once. */
export interface MirrorDiff<T> {
  /** The state is now that of this revision. */
  readonly revision: number;
  readonly changes: readonly MirrorChange<T>[];
}

/** The change that leads from one entry to another; undefined if both are absent. */
export function changeBetween<T>(
  previous: MirrorEntry<T> | undefined,
  current: MirrorEntry<T> | undefined,
): MirrorChange<T> | undefined {
  if (current === undefined) return previous && { type: 'removed', key: previous.key, previous };
  if (previous === undefined) return { type: 'added', key: current.key, current };
  return { type: 'updated', key: current.key, current, previous };
}

/**
 * One diff that leads from before the first to after the last. What came and went in between is left out; undefined if
 * nothing remains.
 *
 * For example "a added, a updated, b added, b removed" becomes "a added", as last updated.
 */
export function mergeDiffs<T>(diffs: readonly MirrorDiff<T>[]): MirrorDiff<T> | undefined {
  const ends = new Map<string, { previous: MirrorEntry<T> | undefined; current: MirrorEntry<T> | undefined }>();
  for (const change of diffs.flatMap((diff) => diff.changes)) {
    const current = change.type === 'removed' ? undefined : change.current;
    const known = ends.get(change.key);
    if (known) known.current = current;
    else ends.set(change.key, { previous: change.type === 'added' ? undefined : change.previous, current });
  }
  const changes = [...ends.values()].flatMap(({ previous, current }) => changeBetween(previous, current) ?? []);
  const last = diffs[diffs.length - 1];
  return last === undefined || changes.length === 0 ? undefined : { revision: last.revision, changes };
}

import type { ConfigIssue } from './errors.js';

/** What differs at one path between two documents. */
export interface PathChange {
  /** The names down to it, joined by dots; empty for the document as a whole. */
  readonly path: string;
  /** Absent if it was not there. */
  readonly before?: unknown;
  /** Absent if it is no longer there. */
  readonly after?: unknown;
}

/** Where two documents differ, as deep down as can be said; lists are compared as a whole. In the order of the paths. */
export function changedPaths(before: unknown, after: unknown, path = ''): readonly PathChange[] {
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => changedPaths(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  if (isSame(before, after)) return [];
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}

/** The same document, which nobody can change any more. */
export function deepFreeze<T>(document: T): Readonly<T> {
  if (typeof document === 'object' && document !== null && !Object.isFrozen(document)) {
    Object.freeze(document);
    for (const value of Object.values(document)) deepFreeze(value);
  }
  return document;
}

/** What JSON cannot hold in a document, or would silently change; and objects that are no plain records. */
export function jsonIssues(value: unknown, path = '', above: readonly object[] = []): readonly ConfigIssue[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [{ path, message: `JSON has no ${value}` }];
  if (typeof value !== 'object') return [{ path, message: `JSON cannot hold ${typeof value}` }];
  if (above.includes(value)) return [{ path, message: 'it contains itself' }];
  if (!Array.isArray(value) && !isRecord(value))
    return [{ path, message: `JSON cannot hold a ${value.constructor.name}` }];
  return Object.entries(value).flatMap(([name, part]) =>
    jsonIssues(part, path === '' ? name : `${path}.${name}`, [...above, value]),
  );
}

function isSame(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || (Array.isArray(a) && Array.isArray(b) && JSON.stringify(a) === JSON.stringify(b));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

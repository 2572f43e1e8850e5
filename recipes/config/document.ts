import { isDeepStrictEqual } from 'node:util';
import type { ConfigIssue } from './errors.js';

/** How deep a document may nest. */
export const DEPTH_MAX = 100;

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
  // A document usually shares nothing or everything with the one before.
  if (before === after) return [];
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => changedPaths(own(before, name), own(after, name), below(path, name)));
  }
  if (isDeepStrictEqual(before, after)) return [];
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}

/**
 * The same document, whose objects and lists nobody can change any more. What a schema made that is neither (a Date, a Map,
 * bytes) is left alone: freezing would not make it immutable, and breaks some.
 */
export function deepFreeze<T>(document: T): Readonly<T> {
  if (!(Array.isArray(document) || isRecord(document)) || Object.isFrozen(document)) return document;
  Object.freeze(document);
  for (const value of Object.values(document)) deepFreeze(value);
  return document;
}

/** What JSON cannot hold in a document, or would silently change; and objects that are no plain records. */
export function jsonIssues(value: unknown, path = '', above: readonly object[] = []): readonly ConfigIssue[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [{ path, message: `JSON has no ${value}` }];
  if (typeof value !== 'object') return [{ path, message: `JSON cannot hold ${nameOf(value)}` }];
  if (above.includes(value)) return [{ path, message: 'it contains itself' }];
  if (above.length === DEPTH_MAX) return [{ path, message: `it is nested more than ${DEPTH_MAX} deep` }];
  const isList = Array.isArray(value);
  if (!isList && !isRecord(value)) return [{ path, message: `JSON cannot hold a ${nameOf(value)}` }];
  // By index in a list, because its entries do not count holes.
  const names = isList ? Array.from(value.keys(), String) : Object.keys(value);
  return names.flatMap((name) => jsonIssues(own(value, name), below(path, name), [...above, value]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/** A member that is the object's own: `constructor` is a name like any other in a document. */
function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : `a ${typeof value}`;
  return (value.constructor as { name?: string } | undefined)?.name ?? 'object without a class';
}

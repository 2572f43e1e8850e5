import { isStale, isStoreOperation, type LogEvent, type Operation } from '../history/operation.js';
import { replay, type ReplayOptions } from '../replay/replay.js';
import type { Item } from './item.js';

/**
 * Settles unknown writes by the write log: those that made a revision were carried out before the first answer of that
 * revision or a later one; the others were not. Without this each of them may be carried out at any later time, and a
 * search has to try them all.
 *
 * @returns the history as it was, if the log does not fit it
 */
export function settleByLog(
  operations: readonly Operation[],
  log: Iterable<LogEvent>,
  options: ReplayOptions = {},
): readonly Operation[] {
  const replayed = replay(operations, log, options);
  return replayed.verdict.verdict === 'ok' ? settled(operations, replayed.revisionOf) : operations;
}

/** The same, by what a replay has found: the revision that an unknown write made, by its place in the history. */
export function settled(
  operations: readonly Operation[],
  revisionOf: ReadonlyMap<number, number>,
): readonly Operation[] {
  const toldBy = earliestTold(operations);
  return operations.flatMap((operation, id) => {
    if (operation.outcome !== 'unknown' || !isStoreOperation(operation)) return [operation];
    const revision = revisionOf.get(id);
    if (revision === undefined) return [];
    const returned = toldBy(revision);
    const until = returned === Infinity ? {} : { return: returned };
    // A transaction may have taken either branch; any other condition held, or nothing would have changed.
    const held = operation.op === 'txn' ? {} : { result: true };
    return [{ ...operation, ...held, ...until, outcome: 'ok' as const, revision }];
  });
}

/** By a revision: when somebody had first been answered as of it or of a later one. */
function earliestTold(operations: readonly Operation[]): (revision: number) => number {
  const told = operations
    .filter((operation) => operation.outcome === 'ok' && operation.revision !== undefined && !isStale(operation))
    .map(({ revision, return: returned = Infinity }) => ({ revision: revision as number, returned }))
    .sort((a, b) => a.revision - b.revision);
  for (let at = told.length - 2; at >= 0; at -= 1) {
    const [own, later] = [told[at], told[at + 1]] as [{ returned: number }, { returned: number }];
    own.returned = Math.min(own.returned, later.returned);
  }
  return (revision) => {
    let [low, high] = [0, told.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((told[middle] as { revision: number }).revision < revision) low = middle + 1;
      else high = middle;
    }
    return told[low]?.returned ?? Infinity;
  };
}

/**
 * Settles unknown writes of one key by the values that were found: one whose value nobody else wrote was carried out before
 * the first who found it returned. One whose value nobody found can be left out where nothing but puts and gets is done;
 * elsewhere it may be what made a compare or a delete answer as it did.
 */
export function settleByValues(items: readonly Item[]): readonly Item[] {
  const operations = items.map(({ operation }) => operation);
  if (operations.some(({ op }) => op === 'append')) return items;
  const isPlain = operations.every(({ op }) => op === 'get' || op === 'put');
  const writers = countOf(operations.flatMap(writtenBy));
  const foundAt = new Map<string, number>();
  for (const { operation, return: returned } of items) {
    for (const value of foundBy(operation)) foundAt.set(value, Math.min(foundAt.get(value) ?? Infinity, returned));
  }
  return items.flatMap((item) => {
    const [value] = writtenBy(item.operation);
    if (!item.isOptional || value === undefined || writers.get(value) !== 1) return [item];
    const returned = foundAt.get(value);
    // Found before it was called: then nothing explains it, and the search says so.
    if (returned !== undefined && returned < item.call) return [item];
    if (returned !== undefined) return [{ ...item, return: returned, isOptional: false }];
    return isPlain ? [] : [item];
  });
}

function writtenBy(operation: Operation): string[] {
  if (operation.op === 'get' || !('value' in operation)) return [];
  return typeof operation.value === 'string' ? [operation.value] : [];
}

function foundBy(operation: Operation): string[] {
  if (operation.outcome !== 'ok') return [];
  if (operation.op === 'get') return typeof operation.value === 'string' ? [operation.value] : [];
  const isMatch = operation.op === 'cas' && operation.result === true;
  return isMatch && operation.expected !== null ? [operation.expected] : [];
}

function countOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

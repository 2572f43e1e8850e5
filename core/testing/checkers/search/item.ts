import type { Operation } from '../history/operation.js';

/** An operation as the search sees it. */
export interface Item {
  readonly operation: Operation;
  readonly call: number;
  /** Infinity if nobody knows. */
  readonly return: number;
  /** Whether it may just as well not have been carried out. */
  readonly isOptional: boolean;
}

/** Those of which nothing is known, not even that they changed nothing, may be carried out at any time after their call. */
export function toItem(operation: Operation): Item {
  const isOptional = operation.outcome === 'unknown';
  const returned = isOptional ? Infinity : (operation.return ?? Infinity);
  return { operation, call: operation.call, return: returned, isOptional };
}

/** Operations between two moments at which none was open, those aside that may never be carried out. */
export type Segment = readonly Item[];

/**
 * Cuts at moments at which nothing is open. An operation that returns as another is called is open.
 *
 * @param least - how many operations a segment has before it is cut
 */
export function segmentsOf(items: readonly Item[], least: number): Segment[] {
  const segments: Item[][] = [];
  let openUntil = -Infinity;
  for (const item of [...items].sort((a, b) => a.call - b.call)) {
    const segment = segments.at(-1);
    if (!segment || (item.call > openUntil && segment.length >= least)) segments.push([item]);
    else segment.push(item);
    openUntil = Math.max(openUntil, item.return);
  }
  return segments;
}

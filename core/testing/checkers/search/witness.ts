import type { Item } from './item.js';

const TRIES_MAX = 300;

/**
 * Leaves out of a stretch that has no legal order what can be left out. Only reads are: a stretch with fewer reads is
 * easier to order, so if it still cannot be, they had no part in it. To leave out a write proves nothing.
 */
export function withoutNeedlessReads(
  items: readonly Item[],
  stuck: Item,
  { isRead, isImpossible }: { isRead: (item: Item) => boolean; isImpossible: (items: readonly Item[]) => boolean },
): readonly Item[] {
  if (!isImpossible(items)) return items;
  let left = items;
  for (const item of items.filter(isRead).slice(-TRIES_MAX)) {
    if (item === stuck) continue;
    const without = left.filter((other) => other !== item);
    if (isImpossible(without)) left = without;
  }
  return left;
}

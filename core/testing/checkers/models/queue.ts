import type { Operation } from '../history/operation.js';
import type { Model } from '../search/model.js';

/** First in, first out: each item is taken once, in the order in which they were put. */
export const queue: Model<readonly string[]> = {
  name: 'queue',
  initial: [],
  isRead: () => false,
  keyOf: (items) => JSON.stringify(items),
  alikeBy: (operation) => JSON.stringify({ ...operation, client: 0, call: 0 }),
  partitionOf: (operation) => (isOfQueue(operation) ? operation.key : undefined),
  step(items, operation) {
    if (!isOfQueue(operation)) return undefined;
    if (operation.op === 'enqueue') return [...items, operation.value];
    const [first = null, ...rest] = items;
    const isRight = operation.outcome === 'unknown' || operation.value === undefined || operation.value === first;
    return isRight ? rest : undefined;
  },
};

function isOfQueue(operation: Operation): operation is Operation & { readonly op: 'enqueue' | 'dequeue' } {
  return operation.op === 'enqueue' || operation.op === 'dequeue';
}

import type { BarrierCall, Operation } from '../history/operation.js';
import type { Model } from '../search/model.js';

/** Who has come in, and who of them has gone out, in the round that is under way. */
export interface Barrier {
  readonly inside: readonly string[];
  readonly left: readonly string[];
}

type BarrierOperation = Operation & { readonly op: BarrierCall['op'] };

const BARRIER_OPS = new Set<string>(
  Object.keys({ enter: 0, entered: 0, leave: 0, left: 0 } satisfies Record<BarrierCall['op'], 0>),
);

/**
 * A double barrier: nobody has entered before all have come, nobody has left before all are leaving; then it can be used
 * again. An operation that waits is two: it does its part at some time, and all have done theirs when it returns.
 */
export const doubleBarrier: Model<Barrier> = {
  name: 'barrier',
  initial: { inside: [], left: [] },
  isRead: () => false,
  keyOf: ({ inside, left }) => JSON.stringify([inside, left]),
  partitionOf: (operation) => (isOfBarrier(operation) ? operation.key : undefined),
  partsOf(operation) {
    const { return: returned, outcome } = operation;
    if (outcome !== 'ok' || returned === undefined) return [operation];
    if (operation.op === 'enter') return [operation, { ...operation, op: 'entered', call: returned }];
    if (operation.op === 'leave') return [operation, { ...operation, op: 'left', call: returned }];
    return [operation];
  },
  step(state, operation) {
    return isOfBarrier(operation) ? step(state, operation) : undefined;
  },
};

function isOfBarrier(operation: Operation): operation is BarrierOperation {
  return BARRIER_OPS.has(operation.op);
}

function step({ inside, left }: Barrier, { op, client, size, outcome }: BarrierOperation): Barrier | undefined {
  const who = String(client);
  const isIn = inside.includes(who);
  const isFull = inside.length === size;
  const impossible = outcome === 'unknown' ? { inside, left } : undefined;
  switch (op) {
    case 'enter':
      return isIn || isFull ? impossible : { inside: [...inside, who].sort(), left };
    case 'entered':
      return isIn && isFull ? { inside, left } : impossible;
    case 'leave': {
      if (!isIn || !isFull || left.includes(who)) return impossible;
      const gone = [...left, who].sort();
      return gone.length === size ? { inside: [], left: [] } : { inside, left: gone };
    }
    case 'left':
      return isIn ? impossible : { inside, left };
  }
}

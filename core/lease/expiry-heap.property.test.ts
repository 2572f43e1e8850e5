import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Due, ExpiryHeap } from './expiry-heap.js';

const MEMBERS = 40;
const change = fc.record({
  member: fc.nat(MEMBERS - 1),
  dueMs: fc.option(fc.nat(100), { nil: undefined }),
});

test('after any additions, moves and removals the members leave in the order in which they are due', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 50, maxLength: 200 }), (changes) => {
      const heap = new ExpiryHeap<Due>();
      const members = Array.from({ length: MEMBERS }, (): Due => ({ dueMs: 0, heapIndex: -1 }));
      const model = new Map<Due, number>();
      for (const { member, dueMs } of changes) {
        const node = members[member] as Due;
        if (dueMs === undefined) heap.delete(node);
        else heap.set(node, dueMs);
        if (dueMs === undefined) model.delete(node);
        else model.set(node, dueMs);
      }

      const left: number[] = [];
      for (let node = heap.peek(); node !== undefined; node = heap.peek()) {
        expect(node.dueMs).toBe(model.get(node));
        left.push(node.dueMs);
        heap.delete(node);
      }

      expect(left).toEqual([...model.values()].sort((a, b) => a - b));
      expect(members.map((node) => node.heapIndex)).toEqual(members.map(() => -1));
    }),
    { seed: 7, numRuns: 200 },
  );
});

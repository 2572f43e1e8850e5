import { assert } from '../base/assert.js';

/** What an {@link ExpiryHeap} orders. The heap alone writes `heapIndex`. */
export interface Due {
  /** When it is due, in monotonic milliseconds. Changed only by {@link ExpiryHeap.set}. */
  dueMs: number;
  /** Where the heap keeps it; -1 while it is not in the heap. */
  heapIndex: number;
}

/**
 * A binary heap with the earliest on top, whose members know their places, so that a renewal moves its lease in
 * logarithmic time. Worked example, due times as stored:
 *
 * ```text
 *            [3]                                [5]
 *       [7]       [5]      set(3 → 9):     [7]       [9]      each node is due no later than its children;
 *     [8] [9]                            [8] [9]              node i has children 2i+1 and 2i+2
 * ```
 */
export class ExpiryHeap<T extends Due> {
  readonly #nodes: T[] = [];

  /** The member that is due first. */
  peek(): T | undefined {
    return this.#nodes[0];
  }

  /** Adds a member, or moves it to its new time. */
  set(node: T, dueMs: number): void {
    node.dueMs = dueMs;
    if (node.heapIndex < 0) {
      node.heapIndex = this.#nodes.length;
      this.#nodes.push(node);
    }
    assert(this.#nodes[node.heapIndex] === node, 'a heap index points at its own member');
    this.#rise(node);
    this.#sink(node);
  }

  /** Takes a member out; does nothing if it is not in. */
  delete(node: T): void {
    if (node.heapIndex < 0) return;
    const last = this.#nodes.pop() as T;
    const vacated = node.heapIndex;
    node.heapIndex = -1;
    if (last === node) return;
    this.#place(last, vacated);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(node: T): void {
    while (node.heapIndex > 0) {
      const parent = this.#nodes[(node.heapIndex - 1) >> 1] as T;
      if (parent.dueMs <= node.dueMs) return;
      this.#swap(parent, node);
    }
  }

  #sink(node: T): void {
    for (;;) {
      const left = this.#nodes[2 * node.heapIndex + 1];
      const right = this.#nodes[2 * node.heapIndex + 2];
      if (left === undefined) return;
      const earlier = right !== undefined && right.dueMs < left.dueMs ? right : left;
      if (node.dueMs <= earlier.dueMs) return;
      this.#swap(node, earlier);
    }
  }

  /** Exchanges a parent with its child. */
  #swap(parent: T, child: T): void {
    const above = parent.heapIndex;
    this.#place(parent, child.heapIndex);
    this.#place(child, above);
  }

  #place(node: T, index: number): void {
    this.#nodes[index] = node;
    node.heapIndex = index;
  }
}

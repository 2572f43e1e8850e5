/** Something that will happen at a moment of a world's time. */
export interface QueuedEvent {
  readonly atUs: number;
  /** Decides among events of one moment; events of one process have the same. */
  readonly tie: number;
  readonly order: number;
  /** Whose it is. */
  readonly lane: number;
  /** Undefined: it was cancelled. */
  callback: (() => void) | undefined;
}

/** Fewer than so many cancelled events are not worth the work of throwing them out. */
const CANCELLED_MIN = 256;

/** Events in the order in which they happen: by time, then by tie, then as they were put in. */
export class EventQueue {
  #heap: QueuedEvent[] = [];
  #cancelled = 0;

  /** Events that will happen. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  push(event: QueuedEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as QueuedEvent;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  /** The next event that was not cancelled, taken out. */
  pop(): QueuedEvent | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      const last = this.#heap.pop() as QueuedEvent;
      if (this.#heap.length > 0) this.#sink(last, 0);
      if (first.callback !== undefined) return first;
      this.#cancelled -= 1;
    }
  }

  /** It does not happen. Cancelling what has happened, or was cancelled, does nothing. */
  cancel(event: QueuedEvent): void {
    if (event.callback === undefined) return;
    event.callback = undefined;
    this.#cancelled += 1;
    // Deadlines of calls that were answered long ago would otherwise fill the heap.
    if (this.#cancelled > CANCELLED_MIN && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  clear(): void {
    for (const event of this.#heap) event.callback = undefined;
    this.#heap = [];
    this.#cancelled = 0;
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(({ callback }) => callback !== undefined);
    this.#cancelled = 0;
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) this.#sink(this.#heap[at] as QueuedEvent, at);
  }

  /** Puts an event at a place or, where those below come before it, below them. */
  #sink(event: QueuedEvent, from: number): void {
    const heap = this.#heap;
    const { length } = heap;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= length) break;
      if (below + 1 < length && isBefore(heap[below + 1] as QueuedEvent, heap[below] as QueuedEvent)) below += 1;
      const child = heap[below] as QueuedEvent;
      if (!isBefore(child, event)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = event;
  }
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  if (a.atUs !== b.atUs) return a.atUs < b.atUs;
  if (a.tie !== b.tie) return a.tie < b.tie;
  return a.order < b.order;
}

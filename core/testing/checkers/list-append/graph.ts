/** Why one thing came before another. */
export interface Edge {
  readonly to: number;
  readonly why: string;
}

/** What must have come before what. If that goes in a circle, something is wrong. */
export class Graph {
  readonly #edges: Edge[][] = [];

  /** @returns the number of a new node */
  add(): number {
    return this.#edges.push([]) - 1;
  }

  before(from: number, to: number, why: string): void {
    if (from !== to) this.#edges[from]?.push({ to, why });
  }

  /** A circle, as short as one can be through its first node; each step with its reason. `undefined` if there is none. */
  circle(): { readonly from: number; readonly why: string }[] | undefined {
    const onCircle = this.#left();
    for (const start of onCircle) {
      const steps = this.#wayBack(start, onCircle);
      if (steps) return steps;
    }
    return undefined;
  }

  /** Takes away, again and again, whatever nothing comes before. What is left is on circles, or behind one. */
  #left(): Set<number> {
    const count = new Int32Array(this.#edges.length);
    for (const edges of this.#edges) for (const { to } of edges) count[to] = (count[to] as number) + 1;
    const left = new Set(this.#edges.keys());
    const free = [...left].filter((node) => count[node] === 0);
    for (let node = free.pop(); node !== undefined; node = free.pop()) {
      left.delete(node);
      for (const { to } of this.#edges[node] ?? []) {
        count[to] = (count[to] as number) - 1;
        if (count[to] === 0) free.push(to);
      }
    }
    return left;
  }

  #wayBack(start: number, within: ReadonlySet<number>): { from: number; why: string }[] | undefined {
    const cameBy = new Map<number, { from: number; why: string }>();
    const queue = [start];
    for (let at = 0; at < queue.length; at += 1) {
      const from = queue[at] as number;
      for (const { to, why } of this.#edges[from] ?? []) {
        if (!within.has(to) || cameBy.has(to)) continue;
        cameBy.set(to, { from, why });
        if (to === start) return stepsTo(start, cameBy);
        queue.push(to);
      }
    }
    return undefined;
  }
}

function stepsTo(start: number, cameBy: ReadonlyMap<number, { from: number; why: string }>) {
  const steps: { from: number; why: string }[] = [];
  let at = start;
  do {
    const step = cameBy.get(at) as { from: number; why: string };
    steps.unshift(step);
    at = step.from;
  } while (at !== start);
  return steps;
}

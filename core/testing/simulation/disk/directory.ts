import type { FileContent } from './file-content.js';
import { type OnEffect } from './file-content.js';
import type { Judge } from './survival.js';

export type Node = FileContent | Directory;

/** What one operation does to names of a directory; it survives as a whole or not at all. */
interface NameChange {
  readonly number: number;
  readonly names: readonly (readonly [name: string, node: Node | undefined])[];
}

/** A directory without its name: which names it has, and which of them a power cut cannot take or bring back. */
export class Directory {
  readonly #current: Map<string, Node>;
  readonly #durable: Map<string, Node>;
  #unsynced: NameChange[] = [];

  constructor(durable: ReadonlyMap<string, Node> = new Map(), current = durable) {
    this.#current = new Map(current);
    this.#durable = new Map(durable);
  }

  /** In order, so that runs repeat. */
  get names(): readonly string[] {
    return [...this.#current.keys()].sort();
  }

  get(name: string): Node | undefined {
    return this.#current.get(name);
  }

  change(change: NameChange): void {
    apply(this.#current, change);
    this.#unsynced.push(change);
  }

  /** Puts something there as though it had always been so. */
  put(name: string, node: Node): void {
    this.#current.set(name, node);
    this.#durable.set(name, node);
  }

  /** Makes durable what operations before this one changed. */
  sync(before: number): void {
    for (const change of this.#unsynced) if (change.number < before) apply(this.#durable, change);
    this.#unsynced = this.#unsynced.filter(({ number }) => number >= before);
  }

  /** The last operation of which something is not synced, here or below; -1 if there is none. */
  lastUnsynced(): number {
    const own = this.#unsynced.at(-1)?.number ?? -1;
    const below = [...this.#current.values()].map((node) =>
      node instanceof Directory ? node.lastUnsynced() : node.lastUnsynced,
    );
    return Math.max(own, ...below);
  }

  /** The same with all that is in it, to go on with by itself. */
  copy(): Directory {
    const copies = new Map<Node, Node>();
    const copyOf = (node: Node): Node => {
      const copy = copies.get(node) ?? node.copy();
      copies.set(node, copy);
      return copy;
    };
    const copied = new Directory(mapped(this.#durable, copyOf), mapped(this.#current, copyOf));
    copied.#unsynced = this.#unsynced.map(({ number, names }) => ({
      number,
      names: names.map(([name, node]) => [name, node && copyOf(node)] as const),
    }));
    return copied;
  }

  afterPowerCut(judge: Judge, onEffect: OnEffect): Directory {
    const left = new Map(this.#durable);
    for (const change of this.#unsynced) {
      if (judge(change.number, 0, 1)) apply(left, change);
      else onEffect('change of a name lost');
    }
    return new Directory(mapped(left, (node) => node.afterPowerCut(judge, onEffect)));
  }
}

function apply(names: Map<string, Node>, change: NameChange): void {
  for (const [name, node] of change.names) {
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
}

function mapped(names: ReadonlyMap<string, Node>, change: (node: Node) => Node): Map<string, Node> {
  return new Map([...names].map(([name, node]) => [name, change(node)]));
}

import type { Item } from './item.js';
import type { Model } from './model.js';

/** States by number, and what operations make of them, each found out once. */
export class States<S> {
  readonly #model: Model<S>;
  readonly #states: S[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #steps = new Map<Item, Map<number, number>>();

  constructor(model: Model<S>) {
    this.#model = model;
  }

  numberOf(state: S): number {
    const key = this.#model.keyOf(state);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#states.length);
    return this.#states.push(state) - 1;
  }

  /** The state that an operation makes of another, or -1 if it cannot have been carried out there. */
  step(state: number, item: Item): number {
    const steps = this.#steps.get(item) ?? new Map<number, number>();
    this.#steps.set(item, steps);
    const known = steps.get(state);
    if (known !== undefined) return known;
    const after = this.#model.step(this.#states[state] as S, item.operation);
    const number = after === undefined ? -1 : this.numberOf(after);
    steps.set(state, number);
    return number;
  }

  /** For a reader. */
  show(state: number): string {
    return this.#model.keyOf(this.#states[state] as S);
  }
}

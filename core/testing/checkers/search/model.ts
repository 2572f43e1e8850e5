import type { Operation } from '../history/operation.js';

/**
 * What an object does if operations come one at a time. States are values: a step makes a new one.
 *
 * @typeParam S - the object's state
 */
export interface Model<S> {
  readonly name: string;
  readonly initial: S;
  /**
   * The state after an operation that was carried out now, or `undefined` if it cannot have been answered as it was. Of an
   * unknown operation the answer is not judged: it always can be carried out, if without an effect.
   */
  step(state: S, operation: Operation): S | undefined;
  /** Equal for equal states only. */
  keyOf(state: S): string;
  /**
   * The independent object that an operation is on; `undefined` if it is none of this model's.
   *
   * @throws {@link NotOfThisModel} if the operation cannot be left out, nor judged
   */
  partitionOf(operation: Operation): string | undefined;
  /** Whether it changes nothing, so that one with an unknown outcome says nothing. */
  isRead(operation: Operation): boolean;
  /** The same for unknown operations that do the same whenever they are carried out. Default: none are alike. */
  alikeBy?(operation: Operation): string;
  /** What is put in the place of each operation, such as the two ends of one that waits for others. */
  partsOf?(operation: Operation): readonly Operation[];
  /** Whether whoever finds a value knows that the one write of this value was carried out; see `settle.ts`. */
  readonly hasValues?: boolean;
}

/** The history has operations that this model cannot judge, and without which it says nothing of the others. */
export class NotOfThisModel extends Error {}

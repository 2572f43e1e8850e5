/**
 * A broken invariant: a bug in this program or damage it could not have survived. Nobody catches it;
 * the member that throws it stops, because a silent member is better than a wrong one.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * States what a reader would otherwise have to believe. On in production.
 *
 * @param condition - the fact, in its positive form
 * @param fact - the same fact in words, for whoever reads the crash
 * @throws {@link InvariantError} if the condition does not hold
 */
export function assert(condition: boolean, fact: string): asserts condition {
  if (!condition) throw new InvariantError(`broken invariant: ${fact}`);
}

/** Makes a `switch` over a union exhaustive: the compiler refuses a case that was forgotten. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${JSON.stringify(value)}`);
}

/** A promise that was broken, in words. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** @throws {@link Violation} */
export function mustHold(condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new Violation(what());
}

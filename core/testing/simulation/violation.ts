/** A promise of the store, or of the simulation itself, was broken in a world. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError';

  constructor(
    readonly what: string,
    readonly seed: number,
    /** When, in the world's milliseconds. */
    readonly atMs: number,
    options?: ErrorOptions,
  ) {
    super(`${what} (seed ${seed}, at ${atMs} ms)`, options);
  }
}

import { InvalidArgumentError } from '../../base/errors.js';

/**
 * A whole number of 64 bits.
 *
 * @param given - the flag or argument, for the error
 * @throws {@link InvalidArgumentError} if the text is none
 */
export function int64(text: string, given: string): bigint {
  const number = /^[+-]?\d+$/.test(text) ? BigInt(text) : undefined;
  if (number !== undefined && BigInt.asIntN(64, number) === number) return number;
  throw new InvalidArgumentError(given, text, 'a whole number of 64 bits');
}

/** The same, and not below 0. @throws {@link InvalidArgumentError} */
export function uint63(text: string, given: string): bigint {
  const number = int64(text, given);
  if (number >= 0n) return number;
  throw new InvalidArgumentError(given, text, 'a whole number of at least 0');
}

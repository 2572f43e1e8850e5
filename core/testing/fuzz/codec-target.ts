import { isDeepStrictEqual } from 'node:util';
import type { Chance } from './chance.js';
import { Finding, type FuzzTarget } from './target.js';

/** The class of an error that a decoder says it throws. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- an error of whatever is documented takes what it wants
export type ErrorClass = abstract new (...args: any[]) => Error;

/** A pair of functions between values and bytes. */
export interface Codec<T> {
  readonly draw: (chance: Chance) => T;
  readonly encode: (value: T) => Uint8Array;
  /** Throws one of `refusals`, or nothing. */
  readonly decode: (bytes: Buffer) => T;
  readonly refusals: readonly ErrorClass[];
  /** What must hold of whatever is read. */
  readonly assertRight?: (value: T) => void;
  /** Several inputs are read as what one of them would be written as. Default: false. */
  readonly isLenient?: boolean;
}

/**
 * What is written is read as it was; what is damaged is refused by a documented error, or read as some value, which is then
 * one that can be written and read again.
 */
export function codecTarget<T>(
  name: string,
  what: string,
  codec: Codec<T>,
  more: Partial<Pick<FuzzTarget, 'seal' | 'inputsPerSecond' | 'allocatedBytesMax'>> = {},
): FuzzTarget {
  const { draw, encode, decode, refusals, assertRight, isLenient = false } = codec;
  return {
    name,
    what,
    ...more,
    draw: (chance) => {
      const value = draw(chance);
      const input = encode(value);
      return { input, check: () => assertSame(decode(Buffer.from(input)), value, 'what was written is read') };
    },
    judge: (input) => {
      const read = refusedOr(() => decode(input), refusals);
      if (read === undefined) return 'refused';
      assertRight?.(read.value);
      const written = Buffer.from(encode(read.value));
      const again = decode(Buffer.from(written));
      if (isLenient) assertSame(encode(again), written, 'what was read is written, read and written as the same');
      else assertSame(again, read.value, 'what was read is written and read again');
      return 'read';
    },
  };
}

/** What a reader gives; undefined if it refused as it is documented to. */
export function refusedOr<T>(read: () => T, refusals: readonly ErrorClass[]): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof Finding) throw error;
    assertRefusal(error, refusals);
    return undefined;
  }
}

/** @throws {@link Finding} unless an error is one of those that are documented */
export function assertRefusal(error: unknown, refusals: readonly ErrorClass[]): void {
  if (refusals.some((refusal) => error instanceof refusal)) return;
  throw new Finding(`an error that is not documented: ${String(error)}`, { cause: error });
}

/** @throws {@link Finding} */
export function assertSame(actual: unknown, expected: unknown, fact: string): void {
  if (isDeepStrictEqual(plain(actual), plain(expected))) return;
  throw new Finding(`not so: ${fact}: ${shown(actual)} instead of ${shown(expected)}`);
}

/** The same with all bytes as one kind of array, wherever they are. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

function shown(value: unknown): string {
  const text = JSON.stringify(plain(value), (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  return (text ?? 'undefined').slice(0, 600);
}

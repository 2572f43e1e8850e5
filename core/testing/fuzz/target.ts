import type { Chance } from './chance.js';

/** Where an input comes from: as a program of ours would write it, damaged, or made of nothing. */
export type Origin = 'valid' | 'mutated' | 'sealed' | 'random';

/** What became of an input, if nothing is wrong: it was read, or refused as it should be. */
export type Verdict = 'read' | 'refused';

/** Something is wrong with what is tried. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Something that is told bytes by others, and must not be brought down by them. */
export interface FuzzTarget {
  readonly name: string;
  /** What it reads. */
  readonly what: string;
  /** One valid input, and how it must be read: a check that throws if it is not. */
  readonly draw: (chance: Chance) => Drawn | Promise<Drawn>;
  /**
   * Makes checksums right again after a mutation, so that what is behind them is tried too. Absent: there are none.
   *
   * @returns undefined if there is not enough left to seal
   */
  readonly seal?: (input: Buffer) => Uint8Array | undefined;
  /**
   * Tries an input, whatever it is.
   *
   * @throws what it must not throw; a {@link Finding} if it did something else that it must not do
   */
  readonly judge: (input: Buffer, origin: Origin, chance: Chance) => Verdict | Promise<Verdict>;
  /** Its inputs ask for things: what is written as it should be may still be refused. Default: false. */
  readonly asks?: boolean;
  /** The most that may be allocated for an input of this many bytes. Default: {@link usualAllocation}. */
  readonly allocatedBytesMax?: (inputBytes: number) => number;
  /** The longest that one input may take. Default: 250 ms. */
  readonly timeMsMax?: number;
  /** Inputs of it that fit into a second, about; it gets so much less of a shared number of inputs. Default: 10,000. */
  readonly inputsPerSecond?: number;
  /** How many cases an input is, of a target whose inputs are several. Default: one. */
  readonly cases?: (input: Buffer) => number;
  /** Lets go of what it opened. */
  readonly close?: () => Promise<void>;
}

/** A valid input. */
export interface Drawn {
  readonly input: Uint8Array;
  readonly check?: () => void | Promise<void>;
  /** Where checksums cover all of it: checks what is read of it once it was damaged, knowing what it was. */
  readonly damaged?: (input: Buffer) => void | Promise<void>;
}

/**
 * Objects in memory are larger than their bytes on the wire, by a factor that the smallest things determine: an entry of 5
 * bytes becomes an object and a view, some 250 bytes. Beside that, whoever reads may set aside a little in advance.
 */
export function usualAllocation(inputBytes: number): number {
  return 1024 * 1024 + 256 * inputBytes;
}

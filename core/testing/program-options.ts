import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The options that a program was called with, which takes nothing else; as {@link programCall}. */
export function programOptions<const T extends Options>(usage: string, options: T, args?: string[]) {
  return programCall(usage, { args, options }).values;
}

/**
 * What a program was called with. With `--help` it says how it is called, and ends; where it does not know an option, it ends
 * with 2, as {@link refuse} does.
 */
export function programCall<const T extends ParseArgsConfig>(usage: string, call: T) {
  const args = call.args ?? process.argv.slice(2);
  if (args.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs({ ...call, args });
  } catch (error) {
    return refuse(`${(error as Error).message}\n${usage}`);
  }
}

/** Ends a program that was called with something that makes no sense. */
export function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

/** The whole number that an option was given. Ends the program if it is none, or below `least`. */
export function wholeNumber(name: string, value: string, least: number): number {
  const number = Number(value);
  return /^\d+$/.test(value) && number >= least
    ? number
    : refuse(`--${name} ${value} is not a whole number from ${least} on`);
}

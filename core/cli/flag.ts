import { InvalidArgumentError } from '../base/errors.js';

/** One flag of a command: how it looks, and what its text means. */
export interface Flag<T> {
  /** What stands for its value in the help; `[true|false]` for one that may stand alone. */
  readonly placeholder: string;
  readonly describe: string;
  /** What is in force when it is not given, as a text for the help. */
  readonly fallback?: string;
  /** May be given several times; the texts come joined by {@link SEPARATOR}. */
  readonly isRepeatable?: boolean;
  /**
   * @param given - how it was given: `--name`, or the variable's name
   * @throws {@link InvalidArgumentError} naming `given`, the text, and what it must be
   */
  readonly parse: (text: string, given: string) => T;
}

/** Between the texts of a flag that may be given several times. */
export const SEPARATOR = ';';

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** A text as it is. */
export function text(placeholder: string, describe: string, fallback?: string): Flag<string> {
  return { placeholder, describe, ...(fallback !== undefined && { fallback }), parse: (value) => value };
}

/** Texts separated by commas. */
export function list(placeholder: string, describe: string, fallback?: string): Flag<readonly string[]> {
  return {
    ...text(placeholder, describe, fallback),
    parse(value, given) {
      const items = value.split(',').map((item) => item.trim());
      if (items.includes('')) throw new InvalidArgumentError(given, value, 'one or more, separated by commas');
      return items;
    },
  };
}

/** A whole number within its limits. */
export function wholeNumber(
  { least, most, placeholder }: { readonly least: number; readonly most: number; readonly placeholder: string },
  describe: string,
  fallback?: string,
): Flag<number> {
  return {
    ...text(placeholder, describe, fallback),
    parse(value, given) {
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw new InvalidArgumentError(given, value, `a whole number from ${least} to ${most}`);
    },
  };
}

/** One of several words. */
export function oneOf<const Word extends string>(words: readonly Word[], describe: string, fallback: Word): Flag<Word> {
  return {
    ...text(`<${words.join('|')}>`, describe, fallback),
    parse(value, given) {
      const word = words.find((one) => one === value);
      if (word !== undefined) return word;
      throw new InvalidArgumentError(given, value, `one of ${words.join(', ')}`);
    },
  };
}

/** On or off: `--flag`, `--flag=true`, `--flag=false`, as Go reads it. */
export function onOff(describe: string, fallback: boolean): Flag<boolean> {
  return {
    ...text('[true|false]', describe, String(fallback)),
    parse(value, given) {
      if (TRUE.has(value)) return true;
      if (FALSE.has(value)) return false;
      throw new InvalidArgumentError(given, value, 'true or false');
    },
  };
}

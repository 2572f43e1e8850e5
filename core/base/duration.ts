import { InvalidArgumentError } from './errors.js';

/** A span of time: milliseconds as a number, or a number with its unit: `'250ms'`, `'15s'`, `'5m'`, `'1h'`. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/**
 * The milliseconds of a duration.
 *
 * @param field - the option's name, for the error
 * @throws {@link InvalidArgumentError} if it is negative, not finite, or not of the form above
 */
export function toMilliseconds(duration: Duration, field: string): number {
  const ms = typeof duration === 'number' ? duration : parse(duration);
  if (!Number.isFinite(ms) || ms < 0) {
    throw new InvalidArgumentError(
      field,
      duration,
      "milliseconds of 0 or more, or a text such as '250ms', '15s', '5m', '1h'",
    );
  }
  return ms;
}

function parse(text: string): number {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT] : Number.NaN;
}

import { toText } from './bytes.js';

/**
 * Whether the same call may be tried again: `never` helps, it is `safe` because nothing was done, or it is right only
 * `if-idempotent`, because it may have been done.
 */
export type Retry = 'never' | 'safe' | 'if-idempotent';

/**
 * The family of everything that can go wrong in operation. Match on `code`, which never changes; texts may.
 */
export abstract class CoordinationError extends Error {
  abstract readonly code: string;
  abstract readonly retry: Retry;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Whether something thrown is of Conclave's family, across copies of the package. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}

const SHOWN_MAX = 64;

/** A value as an error's text shows it: cut off where it is long. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return show(toText(value.subarray(0, SHOWN_MAX + 1)));
  if (typeof value === 'string')
    return JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value);
  if (typeof value === 'bigint') return value.toString();
  return String(value);
}

/** What may come of a call of a service itself, in etcd's own words. */
import { CoordinationError } from '../base/errors.js';

/** A range was to be streamed in a way in which it can only be answered at once: ask for it by `Range`. */
export class UnsupportedRangeError extends CoordinationError {
  readonly code = 'UNSUPPORTED_RANGE';
  readonly retry = 'never';
  constructor(what: string) {
    super(`RangeStream does not support ${what}`);
  }
}

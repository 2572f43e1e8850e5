import { CoordinationError } from '../../core/base/errors.js';

/** Why a pick found nothing: how many instances the view knew, and what became of them. */
export interface NoInstanceCounts {
  readonly known: number;
  readonly drained: number;
  /** Left out by the pick's own `exclude` or `where`. */
  readonly excluded: number;
  /** Whether the store does not answer, so that `known` may be old. */
  readonly stale: boolean;
}

/** There is no instance of the service to pick. Wait with `view.ready({ instances: 1 })`, or answer that it is down. */
export class NoInstanceError extends CoordinationError {
  readonly code = 'NO_INSTANCE';
  readonly retry = 'safe';
  constructor(
    readonly service: string,
    readonly counts: NoInstanceCounts,
  ) {
    const { known, drained, excluded, stale } = counts;
    super(
      `no instance of service ${service} can be picked: ${known} known, ${drained} drained, ${excluded} excluded` +
        (stale ? '; the store does not answer, or the view is not ready yet' : ''),
    );
  }
}

/** Another registration has this instance id, and `onConflict` is `'reject'`. Nothing was changed. */
export class InstanceExistsError extends CoordinationError {
  readonly code = 'INSTANCE_EXISTS';
  readonly retry = 'never';
  constructor(
    readonly service: string,
    readonly id: string,
    /** Where the other one runs, as it says: `host (pid)`. */
    readonly owner: string,
  ) {
    super(`instance ${id} of service ${service} is registered already, by ${owner}`);
  }
}

/** A later registration took over this instance id. This one has ended and does not come back by itself. */
export class InstanceReplacedError extends CoordinationError {
  readonly code = 'INSTANCE_REPLACED';
  readonly retry = 'never';
  constructor(
    readonly service: string,
    readonly id: string,
    readonly owner: string,
  ) {
    super(`instance ${id} of service ${service} was taken over by ${owner}`);
  }
}

import { CoordinationError } from '../../core/base/errors.js';

/** One thing that is wrong with a document. */
export interface ConfigIssue {
  /** Where, such as `limits.max`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
}

/** A document is not what the schema, or JSON, allows. It was not published, or not applied. */
export class InvalidConfigError extends CoordinationError {
  readonly code = 'INVALID_CONFIG';
  readonly retry = 'never';
  constructor(
    readonly config: string,
    readonly issues: readonly ConfigIssue[],
    options?: ErrorOptions,
  ) {
    const told = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    super(`config ${config} is invalid: ${told.join('; ')}`, options);
  }
}

/** Somebody published since: the release in force is not the one that this publication was to follow. Read it and decide again. */
export class ConfigConflictError extends CoordinationError {
  readonly code = 'CONFIG_CONFLICT';
  readonly retry = 'never';
  constructor(
    readonly config: string,
    readonly expected: number,
    /** The release in force; 0 if there is none. */
    readonly found: number,
  ) {
    super(`config ${config} is at release ${found}, not ${expected}: somebody else has published`);
  }
}

/** There is no such release in the history: it never was, or it is older than the history reaches. */
export class ReleaseNotFoundError extends CoordinationError {
  readonly code = 'RELEASE_NOT_FOUND';
  readonly retry = 'never';
  constructor(
    readonly config: string,
    readonly release: number,
  ) {
    super(`config ${config} has no release ${release} in its history`);
  }
}

/** The configuration was read before it was there. Await `ready()` first. */
export class ConfigNotReadyError extends CoordinationError {
  readonly code = 'CONFIG_NOT_READY';
  readonly retry = 'safe';
  constructor(readonly config: string) {
    super(`config ${config} has not been read yet: await its ready() first`);
  }
}

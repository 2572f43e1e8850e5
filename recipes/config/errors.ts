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
    const told = issues
      .slice(0, ISSUES_TOLD_MAX)
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    const rest = issues.length > ISSUES_TOLD_MAX ? `; and ${issues.length - ISSUES_TOLD_MAX} more` : '';
    super(`config ${config} is invalid: ${told.join('; ')}${rest}`, options);
  }
}

/** Issues in the text of an error; `issues` has all of them. */
const ISSUES_TOLD_MAX = 5;

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

/**
 * The store has a release in force that is older than the one in force here. That cannot be, unless the store was set back
 * or is another one; what is in force here stays. To go on from what the store has, publish it anew; or delete the snapshot
 * file and restart the process.
 */
export class ConfigDowngradeError extends CoordinationError {
  readonly code = 'CONFIG_DOWNGRADE';
  readonly retry = 'never';
  constructor(
    readonly config: string,
    readonly inForceRevision: number,
    readonly storeRevision: number,
  ) {
    super(`config ${config} is in force as of revision ${inForceRevision}; the store has it as of ${storeRevision}`);
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

/** What may come of a folder and the files in it. */
import { CoordinationError } from './coordination-error.js';

// --- The data folder ----------------------------------------------------------------------------------------------

/** The data folder cannot be used as it is. Nothing in it was changed. */
export class DataDirError extends CoordinationError {
  readonly retry = 'never';
  constructor(
    readonly code:
      | 'DATA_DIR_LOCKED'
      | 'DATA_DIR_READ_ONLY'
      | 'DATA_DIR_FULL'
      | 'DATA_DIR_NEWER_FORMAT'
      | 'DATA_DIR_UNREADABLE'
      | 'DATA_DIR_NOT_EMPTY',
    readonly path: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`data folder ${path}: ${why}`, options);
  }
}

/** The log is damaged where it was once durable, so an acknowledged write may be lost. It is never cut off silently. */
export class LogDamagedError extends CoordinationError {
  readonly code = 'LOG_DAMAGED';
  readonly retry = 'never';
  constructor(
    readonly file: string,
    readonly offset: number,
    why: string,
  ) {
    super(`${file} is damaged at byte ${offset}: ${why}. Restore this member from a backup, or from the other members`);
  }
}

/** A snapshot is not as it was made: cut off, altered, or no snapshot at all. Nothing of it was put in force. */
export class SnapshotDamagedError extends CoordinationError {
  readonly code = 'SNAPSHOT_DAMAGED';
  readonly retry = 'never';
  constructor(
    /** Byte of the snapshot up to which it makes sense. */
    readonly offset: number,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`the snapshot is damaged at byte ${offset}: ${why}`, options);
  }
}

/** A snapshot was written by a later version, in a format that this one does not read. */
export class SnapshotNewerError extends CoordinationError {
  readonly code = 'SNAPSHOT_NEWER_FORMAT';
  readonly retry = 'never';
  constructor(
    readonly version: number,
    readonly newestVersion: number,
  ) {
    super(`the snapshot has format ${version}; this version reads up to ${newestVersion}`);
  }
}

/** The disk failed an operation of the log; `cause` says which. What was under way may be durable or not; restart the process. */
export class LogFailedError extends CoordinationError {
  readonly code = 'LOG_FAILED';
  readonly retry = 'if-idempotent';
  constructor(
    readonly path: string,
    options: ErrorOptions,
  ) {
    super(`the log in ${path} failed and takes nothing more until the process restarts`, options);
  }
}

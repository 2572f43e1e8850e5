import { InvariantError } from '../base/assert.js';
import { CoordinationError, DataDirError, LogFailedError } from '../base/errors.js';

/**
 * The typed error for what went wrong while the log was opened or written. What is typed already stays as it is.
 *
 * @param path - the log's directory
 */
export function toLogError(path: string, error: unknown): Error {
  if (error instanceof CoordinationError || error instanceof InvariantError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DataDirError('DATA_DIR_FULL', path, 'there is no space left for the log', options);
    case 'EROFS':
      return new DataDirError('DATA_DIR_READ_ONLY', path, 'the log cannot be written', options);
    case 'EACCES':
    case 'EPERM':
      return syscall === 'scandir'
        ? new DataDirError('DATA_DIR_UNREADABLE', path, 'this process may not read the log', options)
        : new DataDirError('DATA_DIR_READ_ONLY', path, 'this process may not write the log', options);
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
      return new DataDirError('DATA_DIR_UNREADABLE', path, 'the directory or a file of the log is not there', options);
    default:
      return new LogFailedError(path, options);
  }
}

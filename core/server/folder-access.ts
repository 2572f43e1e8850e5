import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { DataDirError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';

const OTHERS_MODE = 0o077;

/**
 * Checks that this process may use a folder, and warns if others may, too.
 *
 * @throws {@link DataDirError} if it cannot be read
 * @throws the operating system's error if it cannot be written
 */
export async function checkAccess(path: string, logger: Logger): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & OTHERS_MODE) !== 0) {
    const fields = { path, mode: (mode & 0o777).toString(8) };
    logger.warn(fields, 'other users have access to the data folder; its mode should be 700');
  }
  await access(path, constants.R_OK | constants.X_OK).catch((error: Error) => {
    throw new DataDirError('DATA_DIR_UNREADABLE', path, error.message, { cause: error });
  });
  await access(path, constants.W_OK);
}

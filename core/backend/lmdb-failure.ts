import { DataDirError } from '../base/errors.js';

/** Numbers of system errors as LMDB reports them. They are the same on every system that Node runs on. */
const EPERM = 1;
const EACCES = 13;
const EFBIG = 27;
const ENOSPC = 28;
const EROFS = 30;
/** Differs between Linux and macOS. */
const EDQUOT = [122, 69];
/** LMDB's own. */
const MDB_MAP_FULL = -30792;

const READ_ONLY: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', EACCES, EPERM, EROFS];
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG', ENOSPC, EFBIG, ...EDQUOT, MDB_MAP_FULL];

/** Why a database could not be opened. */
export function openFailure(path: string, cause: unknown): DataDirError {
  if (cause instanceof DataDirError) return cause;
  const code = codeOf(cause);
  if (READ_ONLY.includes(code))
    return new DataDirError('DATA_DIR_READ_ONLY', path, 'it cannot be written to', { cause });
  if (FULL.includes(code)) return new DataDirError('DATA_DIR_FULL', path, 'there is no room left', { cause });
  return new DataDirError('DATA_DIR_UNREADABLE', path, textOf(cause), { cause });
}

/** Why a database that was opened could not be read. */
export function readFailure(path: string, cause: unknown): DataDirError {
  return new DataDirError('DATA_DIR_UNREADABLE', path, `the database is damaged: ${textOf(cause)}`, { cause });
}

/** Why a transaction failed. */
export async function commitFailure(path: string, rejection: unknown): Promise<Error> {
  const cause = await causeOf(rejection);
  if (!FULL.includes(codeOf(cause))) return cause;
  return new DataDirError('DATA_DIR_FULL', path, 'there is no room left', { cause });
}

/** The binding rejects with an error whose `commitError` will reject with what LMDB said. */
async function causeOf(rejection: unknown): Promise<Error> {
  try {
    await (rejection as { commitError?: Promise<never> }).commitError;
  } catch (error) {
    return error as Error;
  }
  return rejection instanceof Error ? rejection : new Error(String(rejection));
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

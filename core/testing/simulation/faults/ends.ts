import { CoordinationError, MemberStoppedError } from '../../../base/errors.js';

/**
 * Why a member ended, or could not start: what passes when it is tried again; what the cluster decided about it; what its
 * disk did, for now or for good; or something that must not happen.
 */
export type End =
  'passes' | 'not yet a member' | 'removed' | 'refused' | 'diverged' | 'disk failed' | 'disk damaged' | 'unexplained';

const ENDS: ReadonlyMap<string, End> = new Map<string, End>([
  ['CLOSED', 'passes'],
  ['UNAVAILABLE', 'passes'],
  ['NO_LEADER', 'passes'],
  ['TIMEOUT', 'passes'],
  ['OUTCOME_UNKNOWN', 'passes'],
  ['LEADER_CHANGED', 'passes'],
  ['PEER_QUERY', 'passes'],
  ['INVALID_ARGUMENT', 'not yet a member'],
  ['LOG_FAILED', 'disk failed'],
  ['DATA_DIR_FULL', 'disk failed'],
  ['ENOSPC', 'disk failed'],
  ['EIO', 'disk failed'],
  ['LOG_DAMAGED', 'disk damaged'],
  ['DATA_DIR_UNREADABLE', 'disk damaged'],
  ['DATA_DIR_NEWER_FORMAT', 'disk damaged'],
  ['SNAPSHOT_DAMAGED', 'disk damaged'],
]);

/** What kind of end an error tells of. */
export function endOf(error: unknown): End {
  if (error instanceof MemberStoppedError) {
    if (error.reason !== 'failed') return error.reason;
    return error.cause === undefined ? 'unexplained' : endOf(error.cause);
  }
  const own = ENDS.get(codeOf(error) ?? '');
  if (own !== 'disk damaged') return own ?? 'unexplained';
  // A folder that cannot be read because an operation of the disk failed is as it was.
  const { cause } = error as Error;
  return cause !== undefined && endOf(cause) === 'disk failed' ? 'disk failed' : own;
}

function codeOf(error: unknown): string | undefined {
  const { code } = error as { readonly code?: unknown };
  return error instanceof CoordinationError || typeof code === 'string' ? (code as string) : undefined;
}

import { InvalidArgumentError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { MemberSettings } from '../member/settings.js';

/** Everything that an operator may turn. Each has its unit in its name, its meaning here, and its default below. */
export interface Settings extends MemberSettings {
  /** Bytes of proposals that are not yet committed. One more is refused with {@link TooManyRequestsError}. */
  readonly uncommittedBytesMax: number;
  /** Events that wait for one watcher; when there are more it reads them from the history, when it is ready to. */
  readonly watchQueueEventsMax: number;
  /** Revisions that a watcher reads from the history at a time. */
  readonly watchCatchUpRevisionsMax: number;
  /** Milliseconds of silence after which an embedded watch that asked for progress is told how far it is. */
  readonly watchProgressMs: number;
  /** Bytes after which the log begins a new file. Files that are no longer needed are removed. */
  readonly walSegmentBytes: number;
  /** Bytes that were applied and are not yet in the engine; when there are more, writes wait. */
  readonly overlayBytesMax: number;
  /** Bytes of entries in one message to a follower, where they are not one entry. */
  readonly appendBytesMax: number;
  /** Messages with entries that are on their way to one follower, not yet acknowledged. */
  readonly inflightMessagesMax: number;
  /** Bytes of entries that are on their way to one follower, not yet acknowledged. */
  readonly inflightBytesMax: number;
  /** Bytes that wait to be sent to one member; when there are more, messages are dropped, and sent anew once it reads. */
  readonly peerQueueBytesMax: number;
  /** Bytes a second of a snapshot that is sent to a follower, so that it does not crowd out the rest. */
  readonly snapshotBytesPerSecond: number;
}

const SECOND = 1_000;
const MEBIBYTE = 2 ** 20;

export const DEFAULTS: Settings = {
  requestBytesMax: LIMITS.requestBytes,
  quotaBackendBytes: 2_048 * MEBIBYTE,
  proposalsMax: 65_536,
  uncommittedBytesMax: 256 * MEBIBYTE,
  readsMax: 65_536,
  heartbeatMs: 100,
  electionTimeoutMs: 1 * SECOND,
  requestTimeoutMs: 5 * SECOND,
  readRetryMs: 500,
  slowSyncMs: 1 * SECOND,
  learnersMax: 1,
  promoteLagEntries: 100,
  healthyAfterMs: 5 * SECOND,
  snapshotsSentMax: 2,
  leaseTtlMinSeconds: leaseTtlMin(1 * SECOND),
  leaseTtlMaxSeconds: LIMITS.leaseTtlMaxSeconds,
  leaseScanMs: 500,
  leaseRevokesPerScan: 500,
  scrubRecordsPerStep: 256,
  logKeptEntries: 10_000,
  logKeptBytes: 16 * MEBIBYTE,
  logHeldBytesMax: 256 * MEBIBYTE,
  authTokenTtlSeconds: 300,
  authTokensMax: 100_000,
  authTokensPerUserMax: 10_000,
  authPasswordCost: 14,
  authPasswordsAtOnce: 2,
  authPasswordsWaitingMax: 256,
  watchQueueEventsMax: 10_000,
  watchCatchUpRevisionsMax: 1_000,
  watchProgressMs: 5 * SECOND,
  walSegmentBytes: 16 * MEBIBYTE,
  overlayBytesMax: 64 * MEBIBYTE,
  appendBytesMax: 1 * MEBIBYTE,
  inflightMessagesMax: 256,
  inflightBytesMax: 16 * MEBIBYTE,
  peerQueueBytesMax: 32 * MEBIBYTE,
  snapshotBytesPerSecond: 64 * MEBIBYTE,
};

/** The most that a setting may be, where something else bounds it. */
const MOST: Partial<Settings> = {
  leaseTtlMaxSeconds: LIMITS.leaseTtlMaxSeconds,
  requestBytesMax: 128 * MEBIBYTE,
  electionTimeoutMs: 50 * SECOND,
  // 1 GiB for one password.
  authPasswordCost: 20,
};

/** The least that a setting may be, where that is not 1. */
const LEAST: Partial<Settings> = { quotaBackendBytes: Number.MIN_SAFE_INTEGER };

/** An election timeout is so many heartbeats at least: a few may be late or lost before a leader is missed. */
const HEARTBEATS_MIN = 5;

/**
 * The defaults, with what was given in place of them.
 *
 * @throws {@link InvalidArgumentError} naming the first that is not a whole number of 1 or more, or is above its limit
 */
export function resolveSettings(given: Partial<Settings>): Settings {
  const settings = { ...DEFAULTS } as Record<keyof Settings, number>;
  for (const name of Object.keys(DEFAULTS) as (keyof Settings)[]) {
    const value = given[name];
    if (value === undefined) continue;
    const least = LEAST[name] ?? 1;
    const most = MOST[name] ?? Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(name, value, `a whole number from ${least} to ${most}`);
    }
    settings[name] = value;
  }
  const { heartbeatMs, electionTimeoutMs } = settings;
  if (electionTimeoutMs < HEARTBEATS_MIN * heartbeatMs) {
    const least = `${HEARTBEATS_MIN} heartbeats of ${heartbeatMs} ms or more`;
    throw new InvalidArgumentError('electionTimeoutMs', electionTimeoutMs, least);
  }
  // As in etcd, 0 says nothing.
  settings.quotaBackendBytes ||= DEFAULTS.quotaBackendBytes;
  settings.leaseTtlMinSeconds = given.leaseTtlMinSeconds ?? leaseTtlMin(electionTimeoutMs);
  return settings;
}

/** Long enough that a lease outlives the election of another leader (etcd: the same). */
function leaseTtlMin(electionTimeoutMs: number): number {
  return Math.ceil((1.5 * electionTimeoutMs) / SECOND);
}

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
}

const SECOND = 1_000;
const MEBIBYTE = 2 ** 20;

export const DEFAULTS: Settings = {
  requestBytesMax: LIMITS.requestBytes,
  proposalsMax: 65_536,
  uncommittedBytesMax: 256 * MEBIBYTE,
  readsMax: 65_536,
  electionTimeoutMs: 1 * SECOND,
  leaseTtlMinSeconds: 2,
  leaseTtlMaxSeconds: LIMITS.leaseTtlMaxSeconds,
  leaseScanMs: 500,
  leaseRevokesPerScan: 500,
  scrubRecordsPerStep: 256,
  logKeptEntries: 10_000,
  logKeptBytes: 16 * MEBIBYTE,
  watchQueueEventsMax: 10_000,
  watchCatchUpRevisionsMax: 1_000,
  watchProgressMs: 5 * SECOND,
  walSegmentBytes: 16 * MEBIBYTE,
  overlayBytesMax: 64 * MEBIBYTE,
};

/** The most that a setting may be, where something else bounds it. */
const MOST: Partial<Settings> = {
  leaseTtlMaxSeconds: LIMITS.leaseTtlMaxSeconds,
  requestBytesMax: 128 * MEBIBYTE,
};

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
    const most = MOST[name] ?? Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new InvalidArgumentError(name, value, `a whole number from 1 to ${most}`);
    }
    settings[name] = value;
  }
  return settings;
}

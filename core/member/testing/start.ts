import type { Backend } from '../../backend/backend.js';
import { openMemoryBackend } from '../../backend/memory-backend.js';
import { type Logger, silentLogger } from '../../base/logger.js';
import { seededPrng } from '../../base/prng.js';
import { resolveSettings, type Settings } from '../../server/settings.js';
import { ManualClock } from '../../testing/manual-clock.js';
import type { VirtualDisk } from '../../testing/simulation/disk/virtual-disk.js';
import { Wal } from '../../wal/wal.js';
import type { DurableLog } from '../durable-log.js';
import { randomIdentity } from '../identity.js';
import type { Member } from '../member.js';
import type { Logged } from '../../server/beginning.js';
import { compose, NOTHING_LOGGED } from './compose.js';
import { HeldLog } from './held-log.js';

export interface Given {
  readonly clock?: ManualClock;
  readonly settings?: Partial<Settings>;
  readonly backend?: Backend;
  readonly logger?: Logger;
}

/** A new member whose log is in the hands of the test. */
export async function startOnHeldLog(given: Given = {}): Promise<{ member: Member; log: HeldLog; clock: ManualClock }> {
  const log = new HeldLog();
  const clock = given.clock ?? new ManualClock();
  const member = await start(log, NOTHING_LOGGED, { ...given, clock });
  return { member, log, clock };
}

/** A member with the real log on a disk in memory, and an engine that forgets: all it knows it has from the log. */
export async function startOnDisk(disk: VirtualDisk, given: Given = {}): Promise<Member> {
  const settings = resolveSettings(given.settings ?? {});
  const opened = await Wal.open({
    disk,
    path: '/wal',
    segmentBytes: settings.walSegmentBytes,
    logger: silentLogger,
    newLogId: () => 1n,
  });
  return start(opened.wal, { hardState: opened.hardState, storedLog: opened }, given);
}

function start(log: DurableLog, logged: Logged, given: Given): Promise<Member> {
  const prng = seededPrng(1);
  return compose({
    identity: randomIdentity(prng),
    log,
    logged,
    backend: given.backend ?? openMemoryBackend(),
    clock: given.clock ?? new ManualClock(),
    prng,
    ...(given.settings && { settings: given.settings }),
    ...(given.logger && { logger: given.logger }),
  });
}

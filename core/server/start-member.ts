import { openMemoryBackend } from '../backend/memory-backend.js';
import type { Clock } from '../base/clock.js';
import { DataDirError, InvalidArgumentError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { volatileLog } from '../member/durable-log.js';
import { randomIdentity } from '../member/identity.js';
import type { Member } from '../member/member.js';
import { nodeDisk } from '../wal/node-disk.js';
import { type OpenedWal, Wal } from '../wal/wal.js';
import { assemble, NOTHING_WRITTEN, openMachine, type Surroundings } from './assemble.js';
import { Closers } from './closers.js';
import { type DataFolder, openDataFolder, orDataDirError } from './data-folder.js';
import { listen, type ListenAt } from './listen.js';
import { resolveSettings, type Settings } from './settings.js';
import { systemPrng } from './system-prng.js';

/** Where a member keeps what it is given: durably in a folder, or in memory until it is closed. */
export type Where = { readonly dataDir: string } | { readonly memory: true };

export interface StartOptions extends Partial<Settings> {
  /** Where to serve etcd's protocol, if at all: `'http://127.0.0.1:2379'` or `{ host, port }`; port 0 picks a free one. */
  readonly listen?: ListenAt;
  /** Default: the machine's monotonic clock. */
  readonly clock?: Clock;
  /** Default: one that says nothing. */
  readonly logger?: Logger;
  /** Draws ids and election timeouts. Default: the operating system's source of chance. */
  readonly prng?: Prng;
}

/** A member that runs, and where it listens. */
export interface RunningMember {
  readonly member: Member;
  /** Where clients reach it, if it listens: the first address. */
  readonly clientUrl?: string;
  /** Takes no more calls, lets those under way finish, and gives everything free. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a member. One that fails later gives everything free by itself; `member.stopped` says why.
 *
 * @throws {@link DataDirError}, {@link LogDamagedError}, {@link LogFailedError} if the folder cannot be used
 * @throws {@link InvalidArgumentError} if an option is outside its limits
 */
export async function startMember(where: Where, options: StartOptions = {}): Promise<RunningMember> {
  const surroundings: Surroundings = {
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    prng: options.prng ?? systemPrng(),
    settings: resolveSettings(options),
  };
  const closers = new Closers();
  try {
    const member = await start(where, surroundings, closers);
    const clientUrl = options.listen && (await listen(member, options.listen, surroundings, closers));
    void member.stopped.then(() => closers.close().catch(() => undefined));
    return { member, ...(clientUrl !== undefined && { clientUrl }), close: () => closers.close() };
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function start(where: Where, surroundings: Surroundings, closers: Closers): Promise<Member> {
  if ('memory' in where) return startInMemory(surroundings, closers);
  const { dataDir } = where;
  if (typeof dataDir !== 'string' || dataDir === '') {
    throw new InvalidArgumentError('dataDir', dataDir, 'the path of a folder');
  }
  return orDataDirError(dataDir, () => startInFolder(dataDir, surroundings, closers));
}

async function startInMemory(surroundings: Surroundings, closers: Closers): Promise<Member> {
  const backend = openMemoryBackend();
  const machine = openMachine(backend, surroundings.settings);
  const identity = randomIdentity(surroundings.prng);
  const member = await assemble({ identity, backend, machine, log: volatileLog, ...NOTHING_WRITTEN }, surroundings);
  closers.add(() => member.close());
  return member;
}

async function startInFolder(dataDir: string, surroundings: Surroundings, closers: Closers): Promise<Member> {
  const { settings, logger } = surroundings;
  const folder = await openDataFolder(dataDir, surroundings);
  closers.add(() => folder.release());

  // The engine is loaded only by those who have a folder.
  const { openLmdbBackend } = await import('../backend/lmdb-backend.js');
  const backend = openLmdbBackend({ path: folder.dbPath, overlayBytesMax: settings.overlayBytesMax });
  closers.add(() => backend.close());

  const machine = openMachine(backend, settings);
  const opened = await Wal.open({
    disk: nodeDisk,
    path: folder.walPath,
    segmentBytes: settings.walSegmentBytes,
    durableIndex: machine.appliedIndex,
    logger,
  });
  // Not `opened` itself, whose entries would stay in memory as long as this.
  const { wal: log, hardState } = opened;
  closers.add(() => log.close());

  checkBelongTogether(folder, opened, machine.appliedIndex);
  const { identity } = folder;
  const member = await assemble({ identity, backend, machine, log, hardState, storedLog: opened }, surroundings);
  closers.add(() => member.close());
  return member;
}

/** The log must go on where the engine ends: its first entries may be compacted only as far as they are applied. */
function checkBelongTogether(folder: DataFolder, { firstIndex, entries }: OpenedWal, appliedIndex: number): void {
  const lastIndex = firstIndex + entries.length - 1;
  if (firstIndex - 1 <= appliedIndex && appliedIndex <= lastIndex) return;
  const found = `the log has entries ${firstIndex} to ${lastIndex}, and the engine has applied up to ${appliedIndex}`;
  throw new DataDirError('DATA_DIR_UNREADABLE', folder.path, `wal/ and db/ do not belong together: ${found}`);
}

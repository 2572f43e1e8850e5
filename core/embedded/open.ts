import { resolveSettings } from '../server/settings.js';
import { type StartOptions, startMember, type Where } from '../server/start-member.js';
import { EmbeddedStore } from './embedded-store.js';

export type { PrefixQuota, RateLimit } from '../member/prefix-options.js';

/** What may be told to {@link open}; every limit has a default. */
export type OpenOptions = StartOptions;

/**
 * Opens a store in this process: one member, durable in a folder or in memory only.
 *
 * Left open, it does not keep a process alive that has nothing more to do, unless somebody waits for a watch of it; what
 * was acknowledged is durable then too. `close()` lets calls under way finish and gives the folder free.
 *
 * @param where - `{ dataDir }`: the folder, made if need be; one store at a time has it open. `{ memory: true }`:
 * everything is gone when the store is closed
 * @throws {@link DataDirError} if the folder cannot be used, {@link LogDamagedError} if what was acknowledged is damaged,
 * {@link InvalidArgumentError} if a setting is outside its limits
 */
export async function open(where: Where, options: OpenOptions = {}): Promise<EmbeddedStore> {
  const settings = resolveSettings(options);
  const rateWaitMs = options.rateLimits?.length ? settings.requestTimeoutMs : undefined;
  const { watchProgressMs } = settings;
  return new EmbeddedStore(await startMember(where, options), { watchProgressMs, rateWaitMs });
}

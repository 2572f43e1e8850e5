import { openMemoryBackend } from '../backend/memory-backend.js';
import type { Clock } from '../base/clock.js';
import { InvalidArgumentError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/logger.js';
import { type Prng, randomId } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { systemPrng } from '../base/system-prng.js';
import { volatileLog } from '../member/durable-log.js';
import type { Member } from '../member/member.js';
import { checkPrefixLimits, type PrefixLimitOptions } from '../member/prefix-options.js';
import { isReachable, isSocket, placeUrl } from './addresses.js';
import { ALONE, assemble, openMachine, type Surroundings } from './assemble.js';
import { type AuthToken, signerOf } from './auth-token.js';
import { type AutoCompaction, compactAutomatically } from './auto-compaction.js';
import { begin } from './beginning.js';
import { Closers } from './closers.js';
import { aloneCluster } from './cluster.js';
import { type ClusterOptions, resolveCluster } from './cluster-options.js';
import { orDataDirError } from './data-folder.js';
import { listen, type Listening, listeningOf, type ListenOptions } from './listen.js';
import { type PeerAutoTlsOptions, peerTlsOf } from './peer-tls.js';
import { type Platform, thisMachine } from './platform.js';
import { resolveSettings, type Settings } from './settings.js';
import { startInFolder } from './start-in-folder.js';

/** Where a member keeps what it is given: durably in a folder, or in memory until it is closed. */
export type Where = { readonly dataDir: string } | { readonly memory: true };

export interface StartOptions
  extends Partial<Settings>, ClusterOptions, ListenOptions, PeerAutoTlsOptions, PrefixLimitOptions {
  /** Forgets old revisions by itself. Default: not. */
  readonly autoCompaction?: AutoCompaction;
  /** What tokens are, for those who authenticate. Default: `'simple'`, letters that members remember. */
  readonly authToken?: AuthToken;
  /** Gives up a start that waits for other members; what was opened is closed again. */
  readonly signal?: AbortSignal;
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
 * Starts a member. Resolves when it serves; in a cluster, when a leader is known. One that fails later gives everything
 * free by itself; `member.stopped` says why.
 *
 * @throws {@link DataDirError}, {@link LogDamagedError}, {@link LogFailedError} if the folder cannot be used
 * @throws {@link InvalidArgumentError} if an option is outside its limits
 * @throws {@link MemberRefusedError}, {@link MemberRemovedError} if the cluster will not have this member
 * @throws {@link UnavailableError} if a cluster that exists is to be joined and nobody in it answers
 */
export function startMember(where: Where, options: StartOptions = {}): Promise<RunningMember> {
  return startMemberOn(thisMachine, where, options);
}

/** As {@link startMember}, somewhere else than on this machine: a simulation has a disk and a network of its own. */
export async function startMemberOn(
  platform: Platform,
  where: Where,
  options: StartOptions = {},
): Promise<RunningMember> {
  const surroundings: Surroundings = {
    platform,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    prng: options.prng ?? systemPrng,
    settings: resolveSettings(options),
    signer: await signerOf(options.authToken),
    prefixLimits: checkPrefixLimits(options),
  };
  const closers = new Closers();
  try {
    const listening = listeningOf(options);
    const member = await start(where, options, listening, surroundings, closers);
    const dataDir = 'dataDir' in where ? where.dataDir : undefined;
    const clientUrls = options.listen && (await listen(member, listening, options, surroundings, closers, dataDir));
    if (options.autoCompaction) {
      const stop = compactAutomatically(member, options.autoCompaction, surroundings);
      closers.add(async () => stop());
    }
    void member.stopped.then(() => closers.close().catch(() => undefined));
    return { member, ...(clientUrls && { clientUrl: clientUrls[0] as string }), close: () => closers.close() };
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function start(
  where: Where,
  options: StartOptions,
  { places }: Listening,
  surroundings: Surroundings,
  closers: Closers,
) {
  if ('memory' in where) return startInMemory(options, surroundings, closers);
  const { dataDir } = where;
  if (typeof dataDir !== 'string' || dataDir === '') {
    throw new InvalidArgumentError('dataDir', dataDir, 'the path of a folder');
  }
  const clientUrls = options.advertiseClients ?? reachable(places);
  const peerTls = await peerTlsOf(options, surroundings.logger);
  const { peerTls: _, ...others } = options;
  const told = { ...others, clientUrls, ...(peerTls && { peerTls }) };
  return orDataDirError(dataDir, () => startInFolder(dataDir, told, surroundings, closers));
}

/** Where clients can reach a member that listens there, as far as that is known before it does. */
function reachable(places: Listening['places']): readonly string[] {
  return places.filter(({ at }) => !isSocket(at) && isReachable(at)).map((place) => placeUrl(place));
}

async function startInMemory(options: StartOptions, surroundings: Surroundings, closers: Closers): Promise<Member> {
  if (resolveCluster(options).peers !== undefined) {
    throw new InvalidArgumentError('peers', 'memory', 'a data folder, without which a member would forget its votes');
  }
  const { prng, clock } = surroundings;
  const [memberId, incarnation] = [randomId(prng), randomId(prng)];
  const cluster = aloneCluster(memberId, options.name);
  const backend = openMemoryBackend();
  const state = { backend, machine: openMachine(backend, surroundings.settings) };
  const log = volatileLog(clock);
  const logged = await begin(log, cluster);
  const identity = { clusterId: cluster.clusterId, memberId, incarnation };
  const member = await assemble({ identity, state, log, ...logged }, surroundings, {
    ...ALONE,
    name: options.name ?? ALONE.name,
  });
  closers.add(() => member.close());
  return member;
}

import { DataDirError, InvalidArgumentError } from '../base/errors.js';
import { randomId } from '../base/prng.js';
import type { MemberInfo } from '../machine/types.js';
import type { Identity } from '../member/identity.js';
import type { Member } from '../member/member.js';
import { decodeConfiguration } from '../raft/configuration.js';
import type { Configuration, MemberId } from '../raft/types.js';
import { type OpenedWal, Wal } from '../wal/wal.js';
import { assemble, openMachine, type Remains, type Surroundings } from './assemble.js';
import { begin, beginAlone, isFresh } from './beginning.js';
import type { Closers } from './closers.js';
import { aloneCluster, clusterIdOf, clusterOf, type InitialCluster } from './cluster.js';
import { type ClusterOptions, type ClusterSettings, resolveCluster } from './cluster-options.js';
import { type DataFolder, openDataFolder, rewriteIdentity } from './data-folder.js';
import { type FolderState, openFolderState } from './folder-state.js';
import { type Introduction, introduce } from './join.js';
import { participate } from './participation.js';

/** How long a member of the cluster that is joined may take to say who its members are. */
const INTRODUCTION_MS = 5_000;

/** What a member that starts in a folder is told. */
export interface FolderOptions extends ClusterOptions {
  readonly clientUrls: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the member that lives in a folder, or a new one in a new folder.
 *
 * @throws as {@link startMember}
 */
export async function startInFolder(
  dataDir: string,
  options: FolderOptions,
  surroundings: Surroundings,
  closers: Closers,
): Promise<Member> {
  const start = new FolderStart(resolveCluster(options), options, surroundings);
  const folder = await openDataFolder(dataDir, { ...surroundings, begin: () => start.identity() });
  closers.add(() => folder.release());
  const remains = await open(folder, surroundings, closers);
  const begun = await start.begin(remains);
  const participant = {
    identity: begun.identity,
    cluster: start.cluster,
    stateStore: remains.store,
    toldMembers: await start.toldMembers(begun),
    clientUrls: options.clientUrls,
  };
  const member = await assemble(begun, surroundings, participate(participant, options, surroundings), options.signal);
  closers.add(() => member.close());
  await makeKnown(member, start.cluster.advertisePeers);
  return member;
}

/** A member that was alone and did not listen, and now does, is known without an address. */
async function makeKnown(member: Member, advertisePeers: readonly string[]): Promise<void> {
  const members = await member.members({ linearizable: false });
  const isUnknown = members.some(({ id, peerUrls }) => id === member.memberId && peerUrls.length === 0);
  if (isUnknown && advertisePeers.length > 0) await member.memberUpdate(member.memberId, advertisePeers);
}

interface InFolder extends Remains, Pick<FolderState, 'store'> {
  readonly folder: DataFolder;
}

async function open(folder: DataFolder, surroundings: Surroundings, closers: Closers): Promise<InFolder> {
  const { platform, settings, clock, prng, logger } = surroundings;
  const { state, store, snapshot } = await openFolderState(folder, {
    platform,
    clock,
    overlayBytesMax: settings.overlayBytesMax,
    openMachine: (backend, watch) => openMachine(backend, settings, watch),
  });
  closers.add(() => state.backend.close());
  const { appliedIndex, appliedTerm } = state.machine;
  const opened = await Wal.open({
    disk: folder.disk,
    path: folder.walPath,
    segmentBytes: settings.walSegmentBytes,
    durableIndex: appliedIndex,
    durableTerm: appliedTerm,
    snapshot,
    logger,
    newLogId: () => randomId(prng),
  });
  // Not `opened` itself, whose entries would stay in memory as long as this.
  const { wal: log, hardState } = opened;
  closers.add(() => log.close());
  checkBelongTogether(folder, opened, appliedIndex);
  return { folder, identity: folder.identity, state, store, log, hardState, storedLog: opened };
}

/** The log must go on where the engine ends: its first entries may be compacted only as far as they are applied. */
function checkBelongTogether(folder: DataFolder, { firstIndex, entries }: OpenedWal, appliedIndex: number): void {
  const lastIndex = firstIndex + entries.length - 1;
  if (firstIndex - 1 <= appliedIndex && appliedIndex <= lastIndex) return;
  const found = `the log has entries ${firstIndex} to ${lastIndex}, and the engine has applied up to ${appliedIndex}`;
  throw new DataDirError('DATA_DIR_UNREADABLE', folder.path, `wal/ and db/ do not belong together: ${found}`);
}

/** Who a member is when nobody has lived in its folder yet, and how its log begins. */
class FolderStart {
  readonly cluster: ClusterSettings;
  readonly #options: FolderOptions;
  readonly #surroundings: Surroundings;
  #introduction: Introduction | undefined;

  constructor(cluster: ClusterSettings, options: FolderOptions, surroundings: Surroundings) {
    this.cluster = cluster;
    this.#options = options;
    this.#surroundings = surroundings;
  }

  /** Of a member that begins: alone, with others, or among those that are there. */
  async identity(): Promise<Identity> {
    const { prng } = this.#surroundings;
    const incarnation = randomId(prng);
    const { peers, isJoining, name } = this.cluster;
    if (peers === undefined) {
      const memberId = randomId(prng);
      return { clusterId: clusterIdOf([memberId]), memberId, incarnation };
    }
    if (isJoining) {
      const { clusterId, self } = await this.#introduce();
      return { clusterId, memberId: self.id, incarnation };
    }
    const { clusterId, members } = clusterOf({ peers, token: this.cluster.token });
    return { clusterId, memberId: (members.find((member) => member.name === name) as MemberInfo).id, incarnation };
  }

  /** Lets the log begin, if it has not, or begin anew as that of a cluster of one, if that was asked for. */
  async begin(remains: InFolder): Promise<Remains> {
    const { state, log, folder } = remains;
    if (this.#options.forceNewCluster === true) return this.#beginAlone(remains);
    if (!isFresh(remains) || state.machine.appliedIndex > 0 || this.cluster.isJoining) return remains;
    return { ...remains, ...(await begin(log, this.#initialCluster(folder))) };
  }

  /** What a joiner must know of the others until it knows by itself. */
  async toldMembers({ identity, state, storedLog }: Remains): Promise<readonly MemberInfo[]> {
    if (!this.cluster.isJoining || state.machine.membership.members.length > 0 || storedLog.entries.length > 0)
      return [];
    const { clusterId, self, members } = await this.#introduce();
    if (clusterId === identity.clusterId && self.id === identity.memberId) return members;
    throw new InvalidArgumentError(
      'peers',
      clusterId.toString(16),
      `cluster ${identity.clusterId.toString(16)}, as before`,
    );
  }

  async #introduce(): Promise<Introduction> {
    const { platform, clock } = this.#surroundings;
    this.#introduction ??= await introduce(this.cluster, {
      platform,
      tls: this.#options.peerTls,
      clock,
      timeoutMs: INTRODUCTION_MS,
    });
    return this.#introduction;
  }

  /** The folder's identity was chosen in an earlier attempt, which ended before the log began. */
  #initialCluster({ path, identity }: DataFolder): InitialCluster {
    const { peers, token, name } = this.cluster;
    const initial = peers && clusterOf({ peers, token });
    if (initial?.clusterId === identity.clusterId) return initial;
    if (clusterIdOf([identity.memberId]) === identity.clusterId) return aloneCluster(identity.memberId, name);
    const why = `it was begun for cluster ${identity.clusterId.toString(16)}, whose members are not those of peers`;
    throw new DataDirError('DATA_DIR_UNREADABLE', path, why);
  }

  /** First another cluster's id: from then on, lost members that come back are refused instead of being told to stop. */
  async #beginAlone(remains: InFolder): Promise<Remains> {
    const { folder, log, state } = remains;
    const { memberId } = folder.identity;
    if (isAlone(memberId, configurationOf(remains))) return remains;
    const { prng, logger } = this.#surroundings;
    const { identity } = await rewriteIdentity(folder, { ...folder.identity, clusterId: randomId(prng) });
    logger.warn({ cluster: identity.clusterId.toString(16) }, 'the member goes on as a cluster of its own');
    const known = state.machine.membership.member(memberId);
    const [fallback] = aloneCluster(memberId, this.cluster.name).members as [MemberInfo];
    return { ...remains, identity, ...(await beginAlone(log, remains, { ...(known ?? fallback), isLearner: false })) };
  }
}

/** The configuration in force: the last one that is in the log, or was applied. */
function configurationOf({ state, storedLog }: Remains): Configuration {
  const { appliedIndex, membership } = state.machine;
  const last = storedLog.entries.findLast(({ kind, index }) => kind === 'configuration' && index > appliedIndex);
  return last === undefined ? membership.configuration : decodeConfiguration(last.data).configuration;
}

function isAlone(id: MemberId, { voters, outgoing, learners }: Configuration): boolean {
  return voters.length === 1 && voters[0] === id && outgoing === undefined && learners.length === 0;
}

/**
 * Which changes of the members are allowed, and to what configuration they lead. Facts in, a plan or a refusal out.
 *
 * @remarks Source: etcd's strict reconfiguration check; Ongaro 2014, sections 4.1 and 4.2.
 */
import {
  ConfigurationChangeError,
  InvalidPeerUrlsError,
  LearnerNotReadyError,
  MemberNotFoundError,
  MemberNotLearnerError,
  NotEnoughStartedMembersError,
  PeerUrlExistsError,
  TooManyLearnersError,
  UnhealthyClusterError,
} from '../base/errors.js';
import type { MemberInfo } from '../machine/types.js';
import type { Configuration, MemberId } from '../raft/types.js';

/** What the leader knows when a change is asked of it. */
export interface Standing {
  readonly members: readonly MemberInfo[];
  readonly configuration: Configuration;
  /** Whether a member answers at present. The leader itself does. */
  readonly isHealthy: (id: MemberId) => boolean;
  /** Whether a learner has caught up with the log. */
  readonly hasCaughtUp: (id: MemberId) => boolean;
  readonly learnersMax: number;
  /** Refuse what would leave the cluster without a majority, now or as soon as one more member fails to start. */
  readonly isStrict: boolean;
}

/** The configuration to propose. */
export type Next = Pick<Configuration, 'voters' | 'learners'>;

/**
 * Where members listen for each other: `http://host:port`, or `https`, in ascending order.
 *
 * @throws {@link InvalidPeerUrlsError} if there is none, or one is not of that form, or is there twice
 */
export function checkedPeerUrls(urls: readonly string[]): readonly string[] {
  const plain = urls.map((url) => (PEER_URL.test(url) && URL.canParse(url) ? url.replace(/\/$/, '') : ''));
  if (urls.length === 0 || plain.includes('') || new Set(plain).size < plain.length)
    throw new InvalidPeerUrlsError(urls);
  return plain.sort();
}

const PEER_URL = /^https?:\/\/(?:\[[0-9a-f:]+\]|[^/:@?#\s]+):\d+\/?$/i;

/** @throws {@link PeerUrlExistsError} if another member than `self` has one of the URLs */
export function checkFree(members: readonly MemberInfo[], urls: readonly string[], self?: MemberId): void {
  for (const { id, peerUrls } of members) {
    const shared = id === self ? undefined : peerUrls.find((url) => urls.includes(url));
    if (shared !== undefined) throw new PeerUrlExistsError(shared);
  }
}

/** @throws {@link MemberNotFoundError} */
export function memberOf({ members }: Pick<Standing, 'members'>, id: MemberId): MemberInfo {
  const member = members.find((info) => info.id === id);
  if (member === undefined) throw new MemberNotFoundError(id);
  return member;
}

/**
 * Whether a member that is added with a vote has to begin as a learner: beside a single voter, for a majority of two needs
 * both of them, and a configuration is in force before the new member can have started.
 */
export function beginsAsLearner({ configuration }: Pick<Standing, 'configuration'>): boolean {
  return configuration.voters.length === 1;
}

/** A new member, with a vote or without. A voter that does not start counts against the majority from the first moment. */
export function planAdd(standing: Standing, added: MemberInfo): Next {
  const { configuration, learnersMax } = standing;
  const { voters, learners } = configuration;
  if (added.replaces !== undefined) memberOf(standing, added.replaces);
  if (added.isLearner) {
    if (learners.length >= learnersMax) throw new TooManyLearnersError(learnersMax);
    return { voters, learners: [...learners, added.id] };
  }
  if (standing.isStrict) checkQuorum(standing, voters, voters.length + 1);
  return { voters: [...voters, added.id], learners };
}

/** One member less, or one learner less. A cluster always keeps a voter. */
export function planRemove(standing: Standing, id: MemberId): Next {
  memberOf(standing, id);
  const { configuration } = standing;
  const voters = configuration.voters.filter((voter) => voter !== id);
  const learners = configuration.learners.filter((learner) => learner !== id);
  if (voters.length === 0) throw new NotEnoughStartedMembersError(0, 1);
  const takesVote = voters.length < configuration.voters.length;
  if (standing.isStrict && takesVote) checkQuorum(standing, voters, voters.length);
  return { voters, learners };
}

/** A learner that has caught up gets a vote, in the place of the member that it replaces if it replaces one. */
export function planPromote(standing: Standing, id: MemberId): Next {
  const { configuration, isStrict } = standing;
  const learner = memberOf(standing, id);
  if (!configuration.learners.includes(id)) throw new MemberNotLearnerError(id);
  if (learner.incarnation === 0n || !standing.hasCaughtUp(id)) throw new LearnerNotReadyError(id);
  const voters = [...configuration.voters.filter((voter) => voter !== learner.replaces), id];
  const learners = configuration.learners.filter((other) => other !== id && other !== learner.replaces);
  if (isStrict) checkQuorum(standing, voters, voters.length);
  return { voters, learners };
}

/** @throws {@link ConfigurationChangeError} while a joint configuration is in force */
export function checkSettled({ outgoing }: Configuration): void {
  if (outgoing !== undefined) throw new ConfigurationChangeError('another change is under way');
}

/** Of the voters of a configuration of this size, a majority must have started, and must answer at present. */
function checkQuorum({ members, isHealthy }: Standing, voters: readonly MemberId[], size: number): void {
  const needed = Math.floor(size / 2) + 1;
  const started = startedAmong(members, voters);
  if (started < needed) throw new NotEnoughStartedMembersError(started, needed);
  const healthy = voters.filter(isHealthy).length;
  if (healthy < needed) throw new UnhealthyClusterError(healthy, needed);
}

/** A member has started once it has published itself. */
function startedAmong(members: readonly MemberInfo[], voters: readonly MemberId[]): number {
  return members.filter(({ id, incarnation }) => incarnation !== 0n && voters.includes(id)).length;
}

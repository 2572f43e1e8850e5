import type { Backend } from '../backend/backend.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import { Machine } from '../machine/machine.js';
import type { MemberInfo } from '../machine/types.js';
import type { DurableLog } from '../member/durable-log.js';
import type { Identity } from '../member/identity.js';
import { Member, type MemberParts } from '../member/member.js';
import type { PrefixLimitOptions } from '../member/prefix-options.js';
import type { TokenSigner } from '../member/secrets.js';
import type { State, StateStore } from '../member/state-store.js';
import type { PeerHandler, PeerTransport } from '../peer/types.js';
import { Raft } from '../raft/raft.js';
import type { Logged } from './beginning.js';
import { secretsOf } from './passwords.js';
import type { Platform } from './platform.js';
import type { Settings } from './settings.js';

/** A tick of raft is a heartbeat. Members began theirs at different moments, so that timeouts of as many ticks differ. */
const HEARTBEAT_TICKS = 1;

/** What a member meets in the world, as arguments. */
export interface Surroundings {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly settings: Settings;
  /** Makes and reads signed tokens. Absent: tokens are letters that members remember. */
  readonly signer?: TokenSigner | undefined;
  /** Limits for keys of certain prefixes. Absent: there are none. */
  readonly prefixLimits?: PrefixLimitOptions | undefined;
}

/** What a member is made from: who it is, where it writes, and what it had written before. */
export interface Remains extends Logged {
  readonly identity: Identity;
  readonly state: State;
  readonly log: DurableLog;
}

/** A member that is put together, and has not begun. */
export interface Assembled extends Remains {
  readonly raft: Raft;
  /** Where a snapshot puts another state in the place of this one. */
  readonly stateStore?: StateStore | undefined;
}

/** How a member takes part in a cluster, where that is not left to its defaults. */
export interface Participation {
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly autoPromote: boolean;
  readonly strictReconfigCheck: boolean;
  /** Absent: it is alone, and stays so. */
  readonly peers?: ((handler: PeerHandler) => Promise<PeerTransport>) | undefined;
  readonly stateStore?: StateStore | undefined;
  /** What a joiner was told of the others. */
  readonly toldMembers?: readonly MemberInfo[] | undefined;
}

/** Of a member that nobody else can reach. */
export const ALONE: Participation = { name: '', clientUrls: [], autoPromote: true, strictReconfigCheck: true };

/** The state machine over what a backend holds. @param watch - of the state before, whose watchers go on with this one */
export function openMachine(backend: Backend, settings: Settings, watch?: Machine['watch']): Machine {
  const limits = {
    queueEventsMax: settings.watchQueueEventsMax,
    catchUpRevisionsMax: settings.watchCatchUpRevisionsMax,
  };
  return Machine.open(backend, { watch: limits }, watch);
}

/** Puts a member together, and starts it. The log and the backend are its own from then on. */
export function assemble(
  remains: Remains,
  surroundings: Surroundings,
  participation: Participation = ALONE,
  signal?: AbortSignal,
): Promise<Member> {
  const parts = partsOf(remains, surroundings, participation);
  surroundings.platform.assembled?.({ ...remains, raft: parts.raft, stateStore: participation.stateStore });
  return Member.open({ ...parts, signal });
}

/** What a member is composed of. */
export function partsOf(
  { identity, state, log, hardState, storedLog }: Remains,
  surroundings: Omit<Surroundings, 'platform'>,
  participation: Participation,
): MemberParts {
  const { settings, prng } = surroundings;
  const { appliedIndex, membership } = state.machine;
  const raft = new Raft({
    id: identity.memberId,
    prng,
    electionTicks: Math.round((HEARTBEAT_TICKS * settings.electionTimeoutMs) / settings.heartbeatMs),
    heartbeatTicks: HEARTBEAT_TICKS,
    hardState,
    log: storedLog,
    appliedIndex,
    configuration: membership.configuration,
    uncommittedBytesMax: settings.uncommittedBytesMax,
    appendBytesMax: settings.appendBytesMax,
    inflightMessagesMax: settings.inflightMessagesMax,
    inflightBytesMax: settings.inflightBytesMax,
  });
  const unappliedConfigurations = storedLog.entries.filter(
    ({ kind, index }) => kind === 'configuration' && index > appliedIndex,
  );
  const secrets = secretsOf(settings.authPasswordCost);
  return { secrets, ...surroundings, ...participation, identity, raft, state, log, unappliedConfigurations };
}

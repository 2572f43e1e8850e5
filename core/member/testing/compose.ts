import type { Backend } from '../../backend/backend.js';
import type { Clock } from '../../base/clock.js';
import { type Logger, silentLogger } from '../../base/logger.js';
import { type Prng, seededPrng } from '../../base/prng.js';
import { encodeMemberInfos } from '../../machine/member-info.js';
import { Machine } from '../../machine/machine.js';
import type { MemberInfo } from '../../machine/types.js';
import { encodeConfiguration } from '../../raft/configuration.js';
import { Raft } from '../../raft/raft.js';
import type { Entry, HardState, StoredLog } from '../../raft/types.js';
import { resolveSettings, type Settings } from '../../server/settings.js';
import type { DurableLog } from '../durable-log.js';
import type { Identity } from '../identity.js';
import { Member, type MemberParts } from '../member.js';

/** What a log held when it was opened. */
export interface Logged {
  readonly hardState: HardState;
  readonly storedLog: StoredLog;
}

export const NOTHING_LOGGED: Logged = {
  hardState: { term: 0, votedFor: 0n, commitIndex: 0 },
  storedLog: { firstIndex: 1, previousTerm: 0, entries: [] },
};

/** A member in parts, as far as a test gives them; the rest is as in a cluster of one. */
export interface Composition extends Partial<Omit<MemberParts, 'settings' | 'raft' | 'log' | 'state' | 'identity'>> {
  readonly identity: Identity;
  readonly log: DurableLog;
  readonly logged?: Logged;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly prng?: Prng;
  readonly logger?: Logger;
  readonly settings?: Partial<Settings>;
  /** The members with which the log begins, if nothing is in it yet. Default: this one alone. */
  readonly initial?: readonly MemberInfo[];
  /** A member that joins writes no first entry; it hears of everything from the others. */
  readonly joins?: boolean;
  /** Lets the test look inside. */
  readonly onParts?: (raft: Raft, machine: Machine) => void;
}

/** Puts a member together as the composition of the product does, and starts it. */
export async function compose(given: Composition): Promise<Member> {
  const settings = resolveSettings(given.settings ?? {});
  const prng = given.prng ?? seededPrng(1);
  const machine = openMachine(given.backend, settings);
  const logged = await begun(given, machine);
  const raft = new Raft({
    id: given.identity.memberId,
    prng,
    electionTicks: (2 * settings.electionTimeoutMs) / settings.heartbeatMs,
    heartbeatTicks: 2,
    hardState: logged.hardState,
    log: logged.storedLog,
    appliedIndex: machine.appliedIndex,
    configuration: machine.membership.configuration,
    uncommittedBytesMax: settings.uncommittedBytesMax,
    appendBytesMax: settings.appendBytesMax,
    inflightMessagesMax: settings.inflightMessagesMax,
    inflightBytesMax: settings.inflightBytesMax,
  });
  given.onParts?.(raft, machine);
  return Member.open({
    name: 'alone',
    clientUrls: [],
    autoPromote: true,
    strictReconfigCheck: true,
    logger: silentLogger,
    ...given,
    raft,
    state: { backend: given.backend, machine },
    unappliedConfigurations: logged.storedLog.entries.filter(
      ({ kind, index }) => kind === 'configuration' && index > machine.appliedIndex,
    ),
    prng,
    settings,
  });
}

export function openMachine(backend: Backend, settings: Settings): Machine {
  return Machine.open(backend, {
    watch: { queueEventsMax: settings.watchQueueEventsMax, catchUpRevisionsMax: settings.watchCatchUpRevisionsMax },
  });
}

/** What is known of a member before it has started. */
export function infoOf(id: bigint, changed: Partial<MemberInfo> = {}): MemberInfo {
  const peerUrls = [`http://127.0.0.1:${10_000 + Number(id % 10_000n)}`];
  return { id, name: '', peerUrls, clientUrls: [], incarnation: 0n, isLearner: false, ...changed };
}

async function begun(
  { log, logged = NOTHING_LOGGED, initial, identity, joins }: Composition,
  { appliedIndex }: Machine,
) {
  if (joins || appliedIndex > 0 || logged.hardState.term > 0) return logged;
  const members = initial ?? [infoOf(identity.memberId)];
  const configuration = { voters: members.map(({ id }) => id), learners: [] };
  const data = encodeConfiguration(configuration, encodeMemberInfos(members));
  const entry: Entry = { index: 1, term: 1, data, kind: 'configuration' };
  const hardState = { term: 1, votedFor: 0n, commitIndex: 1 };
  await log.append(hardState, [entry]);
  return { hardState, storedLog: { firstIndex: 1, previousTerm: 0, entries: [entry] } };
}

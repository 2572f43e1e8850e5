import type { Backend } from '../../backend/backend.js';
import type { Clock } from '../../base/clock.js';
import { type Logger, silentLogger } from '../../base/logger.js';
import { type Prng, seededPrng } from '../../base/prng.js';
import type { Machine } from '../../machine/machine.js';
import type { MemberInfo } from '../../machine/types.js';
import type { Raft } from '../../raft/raft.js';
import { ALONE, openMachine, partsOf } from '../../server/assemble.js';
import { begin, type Logged } from '../../server/beginning.js';
import { resolveSettings, type Settings } from '../../server/settings.js';
import type { DurableLog } from '../durable-log.js';
import type { Identity } from '../identity.js';
import { Member, type MemberParts } from '../member.js';
import { plainSecrets } from './plain-secrets.js';

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
export async function compose({ settings: changed = {}, ...given }: Composition): Promise<Member> {
  const settings = resolveSettings(changed);
  const surroundings = { prng: seededPrng(1), logger: silentLogger, secrets: plainSecrets(), ...given, settings };
  const machine = openMachine(given.backend, settings);
  const remains = { ...given, ...(await begun(given, machine)), state: { backend: given.backend, machine } };
  const parts = partsOf(remains, surroundings, { ...ALONE, name: 'alone', ...given });
  given.onParts?.(parts.raft, machine);
  return Member.open({ ...given, ...parts });
}

/** What is known of a member before it has started. */
export function infoOf(id: bigint, changed: Partial<MemberInfo> = {}): MemberInfo {
  const peerUrls = [`http://127.0.0.1:${10_000 + Number(id % 10_000n)}`];
  return { id, name: '', peerUrls, clientUrls: [], incarnation: 0n, isLearner: false, ...changed };
}

async function begun(
  { log, logged = NOTHING_LOGGED, initial, identity, joins }: Composition,
  { appliedIndex }: Machine,
): Promise<Logged> {
  if (joins || appliedIndex > 0 || logged.hardState.term > 0) return logged;
  const members = initial ?? [infoOf(identity.memberId)];
  return begin(log, { members, configuration: { voters: members.map(({ id }) => id), learners: [] } });
}

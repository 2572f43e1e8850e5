import type { Backend } from '../backend/backend.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import { Machine } from '../machine/machine.js';
import type { DurableLog } from '../member/durable-log.js';
import type { Identity } from '../member/identity.js';
import { Member } from '../member/member.js';
import { Raft } from '../raft/raft.js';
import { type HardState, INITIAL_HARD_STATE, type StoredLog } from '../raft/types.js';
import type { Settings } from './settings.js';

/** Ticks of raft in an election timeout. A sole voter counts none, but raft wants to know. */
const ELECTION_TICKS = 10;
const HEARTBEAT_TICKS = 1;

/** What a member meets in the world, as arguments. */
export interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly settings: Settings;
}

/** What a member is made from: where it writes, and what it had written before. */
export interface Remains {
  readonly identity: Identity;
  readonly backend: Backend;
  readonly machine: Machine;
  readonly log: DurableLog;
  readonly hardState: HardState;
  readonly storedLog: StoredLog;
}

/** What is left of a member that has never run. */
export const NOTHING_WRITTEN = {
  hardState: INITIAL_HARD_STATE,
  storedLog: { firstIndex: 1, previousTerm: 0, entries: [] },
} as const;

/** The state machine over what a backend holds. */
export function openMachine(backend: Backend, settings: Settings): Machine {
  return Machine.open(backend, {
    watch: { queueEventsMax: settings.watchQueueEventsMax, catchUpRevisionsMax: settings.watchCatchUpRevisionsMax },
  });
}

/** Puts a member together, and starts it. The log and the backend are its own from then on. */
export async function assemble(remains: Remains, surroundings: Surroundings): Promise<Member> {
  const { identity, backend, machine, log, hardState, storedLog } = remains;
  const { settings, prng } = surroundings;
  const voters = [identity.memberId];
  const raft = new Raft({
    id: identity.memberId,
    voters,
    prng,
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: HEARTBEAT_TICKS,
    hardState,
    log: storedLog,
    appliedIndex: machine.appliedIndex,
    uncommittedBytesMax: settings.uncommittedBytesMax,
  });
  const isSoleVoter = voters.length === 1;
  return Member.open({ ...surroundings, identity, raft, isSoleVoter, log, backend, machine });
}

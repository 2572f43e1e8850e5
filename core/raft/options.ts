import { InvalidArgumentError } from '../base/errors.js';
import type { Prng } from '../base/prng.js';
import { type HardState, type MemberId, NO_MEMBER, type StoredLog } from './types.js';

/** What a {@link Raft} starts from. */
export interface RaftOptions {
  readonly id: MemberId;
  /** The members that vote. */
  readonly voters: readonly MemberId[];
  /** Draws election timeouts, so that members do not campaign in step (Ongaro 2014, section 3.4). */
  readonly prng: Prng;
  /** Ticks without a leader after which an election begins: between this and twice as many. A sole voter never waits. */
  readonly electionTicks: number;
  /** Ticks between a leader's heartbeats to its followers; below `electionTicks`. */
  readonly heartbeatTicks: number;
  /** As last made durable; {@link INITIAL_HARD_STATE} for a member that has never run. */
  readonly hardState: HardState;
  /** As last made durable; it reaches at least up to `appliedIndex`. */
  readonly log: StoredLog;
  /** The last entry that the state machine has applied, durably. */
  readonly appliedIndex: number;
  /** Bytes of proposals that are not yet committed. A proposal that would exceed them is refused. */
  readonly uncommittedBytesMax: number;
}

/** The largest configuration that this version runs. */
const VOTERS_MAX = 1;

/** @throws {@link InvalidArgumentError} naming the option and its limit */
export function checkOptions(options: RaftOptions): void {
  const { id, voters, electionTicks, heartbeatTicks, uncommittedBytesMax } = options;
  check(id !== NO_MEMBER, 'id', id, 'other than 0');
  check(voters.length <= VOTERS_MAX, 'voters', `${voters.length} members`, `at most ${VOTERS_MAX} member`);
  check(voters.includes(id), 'voters', voters.join(', '), `a list with the member's own id, ${id}, in it`);
  check(Number.isInteger(heartbeatTicks) && heartbeatTicks >= 1, 'heartbeatTicks', heartbeatTicks, 'at least 1');
  check(
    Number.isInteger(electionTicks) && electionTicks > heartbeatTicks,
    'electionTicks',
    electionTicks,
    `a whole number above heartbeatTicks, ${heartbeatTicks}`,
  );
  check(uncommittedBytesMax >= 1, 'uncommittedBytesMax', uncommittedBytesMax, 'at least 1');
}

function check(holds: boolean, field: string, value: unknown, limit: string): void {
  if (!holds) throw new InvalidArgumentError(`raft.${field}`, value, limit);
}
